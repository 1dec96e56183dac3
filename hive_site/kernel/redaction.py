"""Keeps secrets out of what people read: by the name of a field, the form of a value, the value.

A second net. The first is not to say them.
"""

import re
from urllib.parse import parse_qsl, quote, unquote, urlsplit

HIDDEN = "[redacted]"
#: Shorter ones would hide words that mean something else.
LEAST_CHARS = 8
_WORDS = (
    r"passw(?:or)?d|passphrase|secret|token|authorization|cookie|credentials?|dsn"
    r"|(?:api|private|signing|node|fleet|pool|secret|access)[-_]?key"
)
#: `stop_token` is one, `tokens` and `key` are none.
NAMES = re.compile(rf"(?:^|[-_.])(?:{_WORDS})(?:$|[-_.])", re.IGNORECASE)
FORMS = (
    # API keys and invitations, as they are printed once. What is told of one later is shorter.
    (re.compile(r"\b(hive|hivejoin)_[A-Za-z0-9_-]{40,}"), rf"\1_{HIDDEN}"),
    (re.compile(r"\bwhsec_[A-Za-z0-9+/=]{16,}"), f"whsec_{HIDDEN}"),
    # The password of an address, up to its last @: it may hold others.
    (re.compile(r"(://[^\s:/@\"']{0,200}:)[^\s/?#\"']{1,500}(?=@)"), rf"\1{HIDDEN}"),
    # A link that logs in once.
    (re.compile(r"(/login/)[\w-]{20,}"), rf"\1{HIDDEN}"),
    (re.compile(r"\b(bearer|basic)(\s+)[\w.~+/=-]{8,}", re.IGNORECASE), rf"\1\2{HIDDEN}"),
    (
        re.compile(
            rf"\b((?:\w+[-_])?(?:{_WORDS})[\"']?\s?[=:]\s?[\"']?)[^\s&\"',;]+", re.IGNORECASE
        ),
        rf"\1{HIDDEN}",
    ),
    (
        re.compile(
            r"-----BEGIN ([A-Z ]{0,30}PRIVATE KEY)-----.*?(?:-----END \1-----|\Z)", re.DOTALL
        ),
        f"-----BEGIN \\1-----{HIDDEN}",
    ),
)
_known: tuple[str, ...] = ()


def conceal(*secrets: str) -> None:
    """From now on none of these is shown, however it is written."""
    global _known
    spelled = {form for text in secrets for form in (text, quote(text, safe=""))}
    found = {*_known, *(text for text in spelled if len(text) >= LEAST_CHARS)}
    # A longer one may hold a shorter one.
    _known = tuple(sorted(found, key=len, reverse=True))


def conceal_login(url: str) -> None:
    """The same for the passwords in an address: of its login, and among its parameters."""
    try:
        parts = urlsplit(url)
        password = parts.password
    except ValueError:  # no address: whoever uses it says so
        return
    also = [value for name, value in parse_qsl(parts.query) if is_secret(name)]
    conceal(unquote(password or ""), *also)


def is_secret(name: str) -> bool:
    """Whether a field of that name holds what nobody should read."""
    return NAMES.search(name) is not None


def redact(text: str) -> str:
    """The text without the secrets that are known, or look like some."""
    for secret in _known:
        if secret in text:
            text = text.replace(secret, HIDDEN)
    for form, shown in FORMS:
        text = form.sub(shown, text)
    return text
