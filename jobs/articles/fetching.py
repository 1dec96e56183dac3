"""Fetches pages of the public web, and nothing else: no private address, at no step.

A name is resolved once, every address must be public, and the connection goes to exactly that
address, so that a second answer of the name server changes nothing. Redirects are checked alike.
"""

import ipaddress
import socket
import time
from dataclasses import dataclass
from email.message import Message
from typing import Any
from urllib.parse import SplitResult, urljoin, urlsplit

from jobs.outcomes import Fail, Retry

MAX_BYTES = 5 * 2**20
MAX_REDIRECTS = 3
CONNECT_SECONDS, TOTAL_SECONDS = 5.0, 30.0
REDIRECTS = (301, 302, 303, 307, 308)
AGAIN = (408, 425, 429)
HEADERS = {
    "User-Agent": "TheHive/0.1 (article reader)",
    "Accept": "text/html,application/xhtml+xml,text/plain;q=0.9,text/markdown;q=0.9",
    "Accept-Encoding": "gzip, deflate",
}


@dataclass(frozen=True, slots=True)
class Page:
    """What an address answered: its final URL, its media type in lower case, its text."""

    url: str
    media_type: str
    text: str


def fetch(url: str, *, allow_private: bool | None = None) -> Page:
    """The page at a URL.

    Raises `Fail` for what stays wrong (scheme, private address, 4xx, too large), `Retry` for 429
    and the like, `OSError` or urllib3's errors for what may pass. By default the setting
    HIVE_ALLOW_PRIVATE_ADDRESSES decides on private addresses.
    """
    if allow_private is None:
        from django.conf import settings

        allow_private = settings.HIVE.allow_private_addresses
    end = time.monotonic() + TOTAL_SECONDS
    for _ in range(MAX_REDIRECTS + 1):
        answer = _get(_check(url), allow_private=allow_private)
        try:
            if answer.status not in REDIRECTS:
                return _read(url, answer, end)
            url = urljoin(url, answer.headers.get("Location", ""))
        finally:
            answer.close()
    raise Fail(f"more than {MAX_REDIRECTS} redirects, the last one to {url}")


def _check(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        port_is_fine = parts.port is None or parts.port > 0
    except ValueError as error:
        raise Fail(f"{url!r} is no URL: {error}") from error
    if parts.scheme not in ("http", "https") or not parts.hostname or not port_is_fine:
        raise Fail(f"{url!r}: give a URL that begins with http:// or https://")
    return parts


def resolve(host: str, port: int, *, allow_private: bool) -> str:
    """One address of a host. Fails for good if any of its addresses is not public."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = [str(row[4][0]) for row in found]
    for address in addresses:
        plain = ipaddress.ip_address(address.partition("%")[0])
        mapped = getattr(plain, "ipv4_mapped", None) or plain
        if not (mapped.is_global and not mapped.is_multicast) and not allow_private:
            way = "set HIVE_ALLOW_PRIVATE_ADDRESSES=true on the Spores if tasks may read there"
            raise Fail(f"{host} is at {address}, which is not public; {way}")
    return addresses[0]


def _get(parts: SplitResult, *, allow_private: bool) -> Any:
    """Ask exactly the address that was checked, by the name that was asked for."""
    import urllib3

    host, secure = parts.hostname or "", parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    address = resolve(host, port, allow_private=allow_private)
    timeout = urllib3.Timeout(connect=CONNECT_SECONDS, read=TOTAL_SECONDS)
    common: dict[str, Any] = {"port": port, "timeout": timeout, "retries": False}
    if secure:
        pool = urllib3.HTTPSConnectionPool(
            address, server_hostname=host, assert_hostname=host, **common
        )
    else:
        pool = urllib3.HTTPConnectionPool(address, **common)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    name = f"[{host}]" if ":" in host else host
    headers = {**HEADERS, "Host": f"{name}:{parts.port}" if parts.port else name}
    return pool.request(
        "GET", target, headers=headers, preload_content=False, redirect=False, retries=False
    )


def _read(url: str, answer: Any, end: float) -> Page:
    if answer.status in AGAIN or answer.status >= 500:
        after = answer.headers.get("Retry-After", "")
        wait = float(after) if after.isdecimal() else None
        raise Retry(f"{url} answered {answer.status}", after=wait)
    if answer.status != 200:
        raise Fail(f"{url} answered {answer.status}")
    body = bytearray()
    for chunk in answer.stream(65536, decode_content=True):
        body += chunk
        if len(body) > MAX_BYTES:
            raise Fail(f"{url} has more than {MAX_BYTES} bytes")
        if time.monotonic() > end:
            raise TimeoutError(f"{url} took longer than {TOTAL_SECONDS:.0f} s")
    header = Message()
    header["Content-Type"] = answer.headers.get("Content-Type", "text/html")
    charset = header.get_content_charset("utf-8")
    return Page(url, header.get_content_type(), _decode(bytes(body), charset))


def _decode(body: bytes, charset: str) -> str:
    try:
        return body.decode(charset, "replace")
    except LookupError:  # a charset that nobody knows
        return body.decode("utf-8", "replace")
