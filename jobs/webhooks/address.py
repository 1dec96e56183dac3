"""Where a webhook may go."""

from typing import Any

from django.conf import settings
from urllib3.exceptions import LocationParseError
from urllib3.util import Url, parse_url

from hive_site.kernel.errors import Invalid
from jobs.web.addresses import is_private_name

MAX_CHARS = 500
RULE = "give an address like https://example.org/hive"


def check_webhook(value: Any) -> str:
    """The address, quoted. Raises `Invalid` for what is none, or is plainly not public.

    A name is looked up at every send, not here.
    """
    if not isinstance(value, str) or len(value) > MAX_CHARS:
        raise Invalid(f"{RULE}, of at most {MAX_CHARS} characters", field="webhook")
    parts = read_url(value)
    if parts is None:
        raise Invalid(f"{value!r} is no address of the web; {RULE}", field="webhook")
    if parts.auth:
        # Not its value: there is a password in it.
        rule = "an address must not hold credentials; the signature says who sends"
        raise Invalid(rule, field="webhook")
    if not settings.HIVE.allow_private_addresses and is_private_name(parts.host or ""):
        way = "HIVE_ALLOW_PRIVATE_ADDRESSES=true allows it"
        raise Invalid(f"{parts.host} is not public; {way}", field="webhook")
    if len(parts.url) > MAX_CHARS:
        raise Invalid(f"quoted it is longer than {MAX_CHARS} characters", field="webhook")
    return parts.url


def read_url(text: str) -> Url | None:
    """The parts of an http(s) URL, quoted and without its fragment; None if it is none."""
    if not text.isprintable() or " " in text:
        return None
    try:
        parts = parse_url(text)
        text.encode()
    except (LocationParseError, UnicodeError):
        return None
    if parts.scheme not in ("http", "https") or not parts.host or parts.port == 0:
        return None
    return parts._replace(fragment=None)
