"""A node's way to the Nexus over HTTP: signed, bounded, and plain about what went wrong."""

import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Any
from urllib.parse import quote, urlsplit

from hive_site.kernel.envelope import Forged, unseal
from hive_site.kernel.signed_requests import authorization
from hive_site.kernel.tls import trusting

PATH = "/api/v1/ota/"
CONNECT_SECONDS, READ_SECONDS = 3.0, 15.0
MAX_JSON_BYTES = 16 * 1024 * 1024
#: An answer of JSON is here after so long, however slowly it trickles.
JSON_SECONDS = 30.0
MAX_REASON_BYTES = 64 * 1024
PIECE_BYTES = 64 * 1024
OK, PARTIAL, UNAUTHORIZED, TOO_MANY, SERVER_FAULT = 200, 206, 401, 429, 500
#: The Nexus takes signatures that are 300 s old; a clock that is farther off is told from its Date.
SKEW_SECONDS = 60.0
#: What it raises when there is no Nexus, or no address, or it stops to answer.
BROKEN = (HTTPException, OSError, ValueError)
_RANGE = re.compile(r"bytes ([0-9]+)-[0-9]+/(?:[0-9]+|\*)")


class NexusAway(Exception):
    """The Nexus could not be asked just now. `retry_after` seconds, if it named a time."""

    def __init__(self, reason: str, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.reason, self.retry_after = reason, retry_after


class Refused(Exception):
    """The Nexus answered, and will answer the same again."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(f"{status} {reason}")
        self.status, self.reason = status, reason


class Body:
    """An answer that is read piece by piece."""

    def __init__(self, answer: HTTPResponse) -> None:
        self._answer = answer
        self.etag = answer.headers.get("ETag", "").removeprefix("W/").strip('"')
        self.start = self._read_start()

    def pieces(self) -> Iterator[bytes]:
        """The bytes as they come, however many the sender says there are. Raises `NexusAway`."""
        try:
            while piece := self._answer.read1(PIECE_BYTES):
                yield piece
        except BROKEN as fact:
            raise NexusAway(f"the connection broke: {fact}") from None
        if self._answer.length:
            raise NexusAway(f"the connection broke: {self._answer.length} bytes are missing")

    def _read_start(self) -> int:
        if self._answer.status != PARTIAL:
            return 0
        found = _RANGE.fullmatch(self._answer.headers.get("Content-Range", ""))
        if not found:
            raise NexusAway("a part of a file came without its place (Content-Range)")
        return int(found[1])


class NexusClient:
    """Speaks for one node. Every request raises `NexusAway` or `Refused`."""

    def __init__(
        self,
        url: str,
        node: str,
        key: bytes,
        *,
        ca_file: str = "",
        clock: Callable[[], float] = time.time,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._base, self._node, self._key = url.rstrip("/"), node, key
        self._ca_file = ca_file
        self._clock, self._timer = clock, timer
        self._offset = 0.0
        #: How many seconds the Nexus's clock was ahead of this node's, as last seen.
        self.skew = 0.0

    def sync(self, body: dict[str, Any]) -> dict[str, Any]:
        """Tell where this node is; what the Nexus wants of it."""
        return self._json("POST", "sync/", json.dumps(body).encode())

    def root(self) -> bytes:
        """The root of trust as it was sealed for this node."""
        sealed = str(self._json("GET", "root/").get("root", "")).encode()
        try:
            unseal(sealed, key=self._key, purpose="root")
        except Forged as fact:
            raise Refused(OK, f"the root of trust is forged: {fact}") from None
        # Its bytes as they were signed, not what parsing and writing would make of them.
        return sealed.split(b".", 2)[2]

    def metadata(self, root_from: int) -> dict[str, Any]:
        """All metadata of releases, with every root behind this version."""
        return self._json("GET", f"metadata/?root_from={root_from}")

    def wheels(self, lock_sha256: str) -> list[dict[str, str]]:
        """The wheels that the Nexus has for a lock: `name` and `sha256` of each."""
        found = self._json("GET", f"wheels/?lock={lock_sha256}")
        try:
            rows = [(str(row["name"]), str(row["sha256"])) for row in found["wheels"]]
        except (KeyError, TypeError):
            raise NexusAway("what the Nexus answered is no list of wheels") from None
        return [{"name": name, "sha256": sha256} for name, sha256 in rows]

    @contextmanager
    def open_package(self, sha256: str, start: int = 0, etag: str = "") -> Iterator[Body]:
        """A package from this byte on; from its first byte if it is not the `etag` any more."""
        headers = {"Range": f"bytes={start}-", "If-Range": f'"{etag}"'} if start else {}
        with self._opened("GET", f"packages/{sha256}/", headers=headers) as answer:
            yield Body(answer)

    @contextmanager
    def wheel(self, name: str) -> Iterator[Body]:
        """A wheel of the wheelhouse."""
        with self._opened("GET", f"wheels/{quote(name)}/") as answer:
            yield Body(answer)

    def _json(self, method: str, path: str, body: bytes | None = None) -> dict[str, Any]:
        with self._opened(method, path, body) as answer:
            text = _read(answer, MAX_JSON_BYTES, self._timer)
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise NexusAway(f"{self._base}{PATH}{path} answered something else than a JSON object")
        return found

    @contextmanager
    def _opened(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> Iterator[HTTPResponse]:
        answer = self._ask(method, path, body, headers or {})
        try:
            if answer.status == UNAUTHORIZED and abs(self.skew - self._offset) > SKEW_SECONDS:
                # A clock that is wrong must not lock a node out of what would mend it.
                self._offset = self.skew
                answer.close()
                answer = self._ask(method, path, body, headers or {})
            _check(answer, self._timer)
            yield answer
        finally:
            answer.close()

    def _ask(
        self, method: str, path: str, body: bytes | None, headers: dict[str, str]
    ) -> HTTPResponse:
        if not self._base:
            raise NexusAway("no address of the Nexus is known: set HIVE_NEXUS_URL")
        signed = authorization(
            node=self._node,
            key=self._key,
            method=method,
            path=(PATH + path).partition("?")[0],
            now=self._clock() + self._offset,
        )
        every = {
            "Authorization": signed,
            "Accept-Encoding": "identity",
            "Content-Type": "application/json",
        }
        try:
            url, told = f"{self._base}{PATH}{path}", {**every, **headers}
            answer = _send(method, url, body, told, self._ca_file)
        except BROKEN as fact:
            raise NexusAway(f"{self._base}: {fact}") from None
        self._note_time(answer)
        return answer

    def _note_time(self, answer: HTTPResponse) -> None:
        try:
            told = parsedate_to_datetime(answer.headers.get("Date", "")).timestamp()
        except (ValueError, TypeError, OverflowError):
            return
        self.skew = told - self._clock()


def _send(
    method: str, url: str, body: bytes | None, headers: dict[str, str], ca_file: str
) -> HTTPResponse:
    """The answer to a request, its body not read yet. Raises one of BROKEN."""
    parts = urlsplit(url)
    connection = _connection(parts.scheme, parts.hostname or "", parts.port, ca_file)
    connection.connect()
    with closing(connection.sock) as socket:  # closed once the answer is done with it, too
        socket.settimeout(READ_SECONDS)
        path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        connection.request(method, path, body, {**headers, "Connection": "close"})
        return connection.getresponse()


def _connection(scheme: str, host: str, port: int | None, ca_file: str) -> HTTPConnection:
    if scheme != "https":
        return HTTPConnection(host, port, timeout=CONNECT_SECONDS)
    context = trusting(ca_file)
    return HTTPSConnection(host, port, timeout=CONNECT_SECONDS, context=context)


def _read(answer: HTTPResponse, at_most: int, timer: Callable[[], float]) -> bytes:
    found, began = bytearray(), timer()
    for piece in Body(answer).pieces():
        found += piece
        if timer() - began > JSON_SECONDS:
            raise NexusAway(f"the Nexus did not finish its answer within {JSON_SECONDS:.0f} s")
        if len(found) > at_most:
            raise NexusAway(f"the Nexus answered more than {at_most} bytes")
    return bytes(found)


def _check(answer: HTTPResponse, timer: Callable[[], float]) -> None:
    status = answer.status
    if status in (OK, PARTIAL):
        return
    reason = _reason(answer, timer)
    if status >= SERVER_FAULT or status == TOO_MANY:
        raise NexusAway(f"{status} {reason}", _seconds(answer.headers.get("Retry-After", "")))
    raise Refused(status, reason)


def _reason(answer: HTTPResponse, timer: Callable[[], float]) -> str:
    try:
        return str(json.loads(_read(answer, MAX_REASON_BYTES, timer))["detail"])[:300]
    except (NexusAway, ValueError, KeyError, TypeError, RecursionError):
        return answer.reason or "without a reason"


def _seconds(text: str) -> float | None:
    return float(text) if re.fullmatch(r"[0-9]{1,6}", text) else None
