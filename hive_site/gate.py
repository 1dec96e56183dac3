"""What stands before Django: bodies of bounded size, addresses that any database takes, /livez.

Django's handler writes a whole body to disk before it looks at its size or at who sends it.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from django.http import HttpResponse

from hive_site.health import alive
from hive_site.patience import Late, Patient
from nodes.api.authentication import SCHEME
from nodes.api.problems import problem, too_big

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
#: Clients read an answer once they have sent their body: so many limits of it are thrown away.
PATIENCE = 4
#: Each may lie on the disk before anybody has asked what its sender may do.
LARGE_AT_ONCE = 4
#: What anybody may send: every form is smaller. Of more, nothing is kept of who is not known.
STRANGERS_BYTES = 256 * 1024
#: Answered before any queue of requests, whatever name the site is asked under.
ALIVE = "/livez"


async def _everybody(scope: Message) -> bool:
    return True


class Gate:
    """Lets requests with at most `limit` bytes through to an ASGI application.

    `larger` has the addresses with limits of their own, for bodies that say how long they are.
    `is_known` is asked about who sends more than strangers may.
    """

    def __init__(
        self,
        app: Any,
        *,
        limit: int,
        larger: Mapping[str, int] | None = None,
        is_known: Callable[[Message], Awaitable[bool]] = _everybody,
    ) -> None:
        self._app, self._limit, self._larger = app, limit, larger or {}
        self._is_known = is_known
        self._under_way = 0

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer, or let the application answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif scope["path"] == ALIVE:
            await _answer(alive(), send)
        elif "\0" in scope["path"] or b"%00" in scope["query_string"]:
            await _answer(problem(400, "an address holds no NUL characters"), send)
        else:
            try:
                await self._check_body(scope, receive, send)
            except Late as fact:
                await _answer(problem(408, str(fact), Connection="close"), send)

    async def _check_body(self, scope: Message, receive: Receive, send: Send) -> None:
        length = _declared_length(scope["headers"])
        if length == 0:
            await self._app(scope, receive, send)
            return
        receive, limit = Patient(receive), self._larger.get(scope["path"], self._limit)
        if length is None:
            await self._collect(scope, receive, send, limit)
        elif length > PATIENCE * limit:
            await _answer(too_big(limit), send)
        elif length > limit:
            await self._read(receive, keep=0)
            await _answer(too_big(limit), send)
        elif length > STRANGERS_BYTES and not await self._is_known(scope):
            await self._read(receive, keep=0)
            await _answer(_who_are_you(), send)
        elif length > self._limit:
            await self._let_few(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _let_few(self, scope: Message, receive: Receive, send: Send) -> None:
        """Let a large body through, unless so many are under way that they could fill the disk."""
        if self._under_way >= LARGE_AT_ONCE:
            await _answer(problem(503, "others send large bodies", Retry_After="10"), send)
            return
        self._under_way += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._under_way -= 1

    async def _collect(self, scope: Message, receive: Receive, send: Send, limit: int) -> None:
        """A body in chunks: whoever reads it wants to know its length."""
        known = await self._is_known(scope)
        keep = self._limit if known else min(STRANGERS_BYTES, self._limit)
        body = await self._read(receive, keep=keep)
        if body is None:
            refused = too_big(limit) if known else _who_are_you()
            await _answer(refused, send)
            return
        headers = [*scope["headers"], (b"content-length", str(len(body)).encode())]
        await self._app({**scope, "headers": headers}, _Replay(body, receive), send)

    async def _read(self, receive: Receive, *, keep: int) -> bytes | None:
        """The body; None if it is more than we keep, or its sender is gone."""
        body, size, more = bytearray(), 0, True
        while more and size <= PATIENCE * self._limit:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            chunk, more = message.get("body", b""), message.get("more_body", False)
            size += len(chunk)
            if size <= keep:
                body += chunk
        return bytes(body) if size <= keep else None


class _Replay:
    """`receive` of a request whose body was read already."""

    def __init__(self, body: bytes, receive: Receive) -> None:
        self._body: bytes | None = body
        self._receive = receive

    async def __call__(self) -> Message:
        if self._body is None:
            return await self._receive()
        body, self._body = self._body, None
        return {"type": "http.request", "body": body, "more_body": False}


def _who_are_you() -> HttpResponse:
    rule = f"who sends more than {STRANGERS_BYTES // 1024} KiB logs in first, or shows an API key"
    return problem(401, rule, WWW_Authenticate=f'{SCHEME} realm="hive"')


def _declared_length(headers: Iterable[tuple[bytes, bytes]]) -> int | None:
    """The length of the body in bytes; None if it comes in chunks."""
    known = dict(headers)
    if b"transfer-encoding" in known:
        return None
    return int(known.get(b"content-length", b"0"))


async def _answer(response: HttpResponse, send: Send) -> None:
    headers = [(name.lower().encode(), value.encode()) for name, value in response.items()]
    headers.append((b"content-length", str(len(response.content)).encode()))
    start = {"type": "http.response.start", "status": response.status_code, "headers": headers}
    await send(start)
    await send({"type": "http.response.body", "body": response.content})
