"""From bytes to text, in whatever charset a page says or forgets to say."""

import codecs
import re

MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
#: Where the HTML standard looks for a page's own word on its charset.
META = re.compile(rb"<meta[^>]{0,300}?charset\s{0,9}=\s{0,9}[\"']?([\w:.-]{1,40})", re.IGNORECASE)
META_BYTES = 1024
#: What browsers read when a page says Latin-1.
ALIASES = {"iso-8859-1": "cp1252", "latin-1": "cp1252", "latin1": "cp1252", "us-ascii": "cp1252"}


def decode(body: bytes, *, charset: str | None = None) -> str:
    """The text of a page: by its byte order mark, the header's charset, its <meta>, or UTF-8.

    What does not decode becomes U+FFFD, and NUL goes, since no database keeps it.
    """
    for name in (_marked(body), charset, _declared(body)):
        if name:
            try:
                return _clean(body.decode(ALIASES.get(name.lower(), name), "replace"))
            except (LookupError, UnicodeError):  # a charset that nobody knows
                continue
    try:
        return _clean(body.decode())
    except UnicodeDecodeError:
        return _clean(body.decode("cp1252", "replace"))


def _marked(body: bytes) -> str | None:
    return next((name for mark, name in MARKS.items() if body.startswith(mark)), None)


def _declared(body: bytes) -> str | None:
    found = META.search(body[:META_BYTES])
    return found.group(1).decode("ascii", "replace") if found else None


def _clean(text: str) -> str:
    return text.replace("\0", "")
