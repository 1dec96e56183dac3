"""One socket: who it is, what it wants to watch, and what it is told."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from functools import partial
from typing import Any
from urllib.parse import parse_qs

import structlog

from hive_site.kernel.outages import OUTAGES
from hive_site.live.board import Viewer
from hive_site.live.domain import protocol
from hive_site.live.domain.protocol import Unclear
from hive_site.live.hub import Full, Hub
from hive_site.live.visitors import Forbidden, Pass, admit, read_pass
from jobs.reader_threads import in_thread

log = structlog.get_logger()
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
PATH = "/ws/live/"
USUAL_TOPIC = "figures"
#: How often somebody who says nothing is looked at again.
LOOK_AGAIN_SECONDS = 60.0
#: Between two commands of a socket: each takes a look at who asks, and may open many boards.
PAUSE_SECONDS = 0.1
#: Close codes: not (or not any more) allowed to look; the process ends (RFC 6455, 7.4.1 ff.).
NOT_ALLOWED, GOING_AWAY = 4401, 1012
RETRY_AFTER_SECONDS = 5


class LiveSocket:
    """The ASGI application of all sockets."""

    def __init__(self, hub: Hub, *, topics: list[str]) -> None:
        self._hub, self._topics = hub, topics

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one socket until it closes."""
        await receive()  # websocket.connect
        refuse = partial(_refuse, scope, send)
        if scope["path"] != PATH:
            await refuse(404, f"the live socket is at {PATH}")
            return
        shown = read_pass(scope["headers"])
        try:
            name = await in_thread(partial(admit, shown))
            viewer = self._hub.enter(name)
        except Forbidden as fact:
            await refuse(403, str(fact))
        except OUTAGES:
            await refuse(503, "the database is away")
        except Full as fact:
            await refuse(503, str(fact))
        else:
            try:
                await send({"type": "websocket.accept"})
                talk = _Talk(self._hub, viewer, shown, receive, send)
                await talk.say(protocol.hello(name, self._topics))
                await talk.go_on(_wanted(scope))
            finally:
                self._hub.leave(viewer)


class _Talk:
    """What goes on between one viewer and the hub. Each part ends with a close code, or None if
    the other side is gone."""

    def __init__(self, hub: Hub, viewer: Viewer, shown: Pass, receive: Receive, send: Send) -> None:
        self._hub, self._viewer, self._shown = hub, viewer, shown
        self._receive, self._send = receive, send
        self._turn = asyncio.Lock()

    async def say(self, text: str) -> None:
        """Send one text. Returns when the connection has taken it: nothing waits behind it."""
        async with self._turn:
            await self._send({"type": "websocket.send", "text": text})

    async def go_on(self, wanted: list[str]) -> None:
        """Hear and tell until one side has enough."""
        try:
            self._hub.watch(self._viewer, dict.fromkeys(protocol.check_topics(wanted)))
        except Unclear as fact:
            await self.say(protocol.refusal(str(fact)))
        code = await _first(self._hear(), self._tell(), self._mind())
        if code is not None:
            with suppress(OSError):
                await self._send({"type": "websocket.close", "code": code})

    async def _hear(self) -> int | None:
        """Do as the client says."""
        while (message := await self._receive())["type"] == "websocket.receive":
            if not await self._may_look():
                return NOT_ALLOWED
            try:
                places = protocol.read_command(message.get("text"))
            except Unclear as fact:
                await self.say(protocol.refusal(str(fact)))
            else:
                self._hub.watch(self._viewer, places)
            await asyncio.sleep(PAUSE_SECONDS)
        return None

    async def _tell(self) -> int | None:
        """Say what is new, as fast as the client takes it."""
        try:
            while not self._hub.closing:
                await self._viewer.rest()
                for text in self._hub.texts(self._viewer):
                    await self.say(text)
        except OSError:
            return None
        return GOING_AWAY

    async def _mind(self) -> int | None:
        """See whether whoever came in may still look."""
        while await self._may_look():
            await asyncio.sleep(LOOK_AGAIN_SECONDS)
        return NOT_ALLOWED

    async def _may_look(self) -> bool:
        try:
            await in_thread(partial(admit, self._shown))
        except Forbidden:
            return False
        except OUTAGES:
            # Nobody took anything from them: whether somebody did shows when it is back.
            return True
        return True


async def _first(*parts: Coroutine[Any, Any, int | None]) -> int | None:
    """What the first of these ends with; the others are broken off."""
    tasks = [asyncio.create_task(part) for part in parts]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return next((task.result() for task in tasks if task in done), None)


def _wanted(scope: Message) -> list[str]:
    """The topics that the address names. An empty one: none yet, a command will follow."""
    query = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    return [name for name in query.get("watch", [USUAL_TOPIC]) if name]


async def _refuse(scope: Message, send: Send, status: int, detail: str) -> None:
    """Answer the handshake with a status and a line, where the server can say more than 403."""
    if "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close"})
        return
    headers = [(b"content-type", b"text/plain; charset=utf-8")]
    if status == 503:
        headers.append((b"retry-after", str(RETRY_AFTER_SECONDS).encode()))
    await send({"type": "websocket.http.response.start", "status": status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": f"{detail}\n".encode()})
