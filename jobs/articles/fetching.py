"""Fetches pages of the public web, and nothing else: no private address, at no step.

A name is resolved once, every address must be public, and the connection goes to exactly one of
those addresses, so that a second answer of the name server changes nothing. Redirects are checked
alike, and no proxy is used, whatever the environment says.
"""

import time
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import Message
from typing import Any
from urllib.parse import urljoin

from jobs.articles.decoding import decode
from jobs.outcomes import Fail, Retry
from jobs.web.connecting import LIMITS, Limits, connect, cut
from jobs.web.retry_after import read_retry_after

REDIRECTS = (301, 302, 303, 307, 308)
AGAIN = (408, 425, 429)
CHUNK_BYTES = 65_536
HEADERS = {
    "User-Agent": "TheHive/0.1 (article reader)",
    "Accept": "text/html,application/xhtml+xml,text/plain;q=0.9,text/markdown;q=0.9",
    "Accept-Encoding": "gzip, deflate",
    "Connection": "close",
}


@dataclass(frozen=True, slots=True)
class Page:
    """What an address answered: its final URL, its media type in lower case, its text."""

    url: str
    media_type: str
    text: str


def fetch(url: str, *, allow_private: bool | None = None, limits: Limits = LIMITS) -> Page:
    """The page at a URL.

    Raises `Fail` for what stays wrong (scheme, private address, 4xx, too large), `Retry` for 429,
    5xx and the like, `OSError` or urllib3's errors for what may pass. By default the setting
    HIVE_ALLOW_PRIVATE_ADDRESSES decides on private addresses.
    """
    if allow_private is None:
        from django.conf import settings

        allow_private = settings.HIVE.allow_private_addresses
    end = time.monotonic() + limits.total_seconds
    for _ in range(limits.redirects + 1):
        parts = _parse(url)
        line = connect(parts, allow_private=allow_private, limits=limits, end=end)
        with closing(line), cut(line.sock, at=end, url=url):
            answer = _ask(line, parts)
            if answer.status not in REDIRECTS:
                return _read(answer, url=url, limits=limits)
            url = _target(answer, url)
    raise Fail(f"more than {limits.redirects} redirects, the last one to {url}")


def _parse(url: str) -> Any:
    """The URL's parts as urllib3 sees them: quoted, and its host in ASCII."""
    from urllib3.exceptions import LocationParseError
    from urllib3.util import parse_url

    try:
        parts = parse_url(url.strip())
    except LocationParseError as error:
        raise Fail(f"{url!r} is no URL: {error}") from error
    if parts.scheme not in ("http", "https") or not parts.host:
        raise Fail(f"{url!r}: give a URL that begins with http:// or https://")
    return parts


def _ask(line: Any, parts: Any) -> Any:
    headers = {**HEADERS, "Host": parts.netloc}
    line.request("GET", parts.request_uri, headers=headers, preload_content=False)
    return line.getresponse()


def _target(answer: Any, url: str) -> str:
    location: str = answer.headers.get("Location", "")
    if not location:
        raise Fail(f"{url} answered {answer.status} without a Location")
    try:
        return urljoin(url, location)
    except ValueError as error:
        raise Fail(f"{url} redirects to {location!r}, which is no URL") from error


def _read(answer: Any, *, url: str, limits: Limits) -> Page:
    if answer.status in AGAIN or answer.status >= 500:
        after = read_retry_after(answer.headers.get("Retry-After"), now=datetime.now(UTC))
        raise Retry(f"{url} answered {answer.status}", after=after)
    if answer.status != 200:
        raise Fail(f"{url} answered {answer.status}")
    body = bytearray()
    for chunk in answer.stream(CHUNK_BYTES, decode_content=True):
        body += chunk
        if len(body) > limits.max_bytes:
            raise Fail(f"{url} has more than the {limits.max_bytes} bytes that are allowed")
    header = Message()
    header["Content-Type"] = answer.headers.get("Content-Type", "text/html")
    text = decode(bytes(body), charset=header.get_content_charset())
    return Page(url, header.get_content_type(), text)
