"""Everybody in this process who follows jobs as they run, in one event loop.

A hundred followers of a job cost the database what one does. The wake-up is the message that
waiters get; once a second all look anyway.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

import structlog
from django.db import InterfaceError, OperationalError

from hive_site.kernel.errors import Gone
from jobs.channel import Channel, Page
from jobs.domain.following import Position
from jobs.reader_threads import in_thread
from jobs.sse import HELLO, KEEP_ALIVE, event
from jobs.waiting import Bell

log = structlog.get_logger()
LOOK_AGAIN_SECONDS = 1.0
AWAY_SECONDS = 1.0
#: So long a connection is silent at most: there are proxies that close those that say nothing.
KEEP_ALIVE_SECONDS = 15.0
#: What is handed to a connection at once: more would wait in its buffer.
PART_BYTES = 64 * 1024


class Teller:
    """What one follower was told so far. `after` is how far it has got."""

    def __init__(self, after: Position) -> None:
        self.after = after
        self._state: str | None = None
        self._told: dict[int, str] = {}

    def tell(self, page: Page, told: dict[int, str]) -> Iterator[bytes]:
        """The next page, and what is new of the job's state and of its subtasks' progress."""
        for begin in range(0, len(page.body), PART_BYTES):
            yield page.body[begin : begin + PART_BYTES]
        self.after = page.end
        if page.state not in (None, self._state):
            yield event("state", page.state, self.after)
        for index, said in told.items():
            if said != self._told.get(index):
                yield event("progress", said, self.after)
        self._state, self._told = page.state, told
        if page.final is not None:
            yield event("end", page.final, self.after)


class Hub:
    """All channels of one process; they belong to one event loop."""

    def __init__(
        self,
        bell: Bell,
        *,
        read: Callable[[str, Position], Page],
        look: Callable[[set[str]], dict[str, dict[int, str]]],
        before_exit: Callable[[Callable[[], None]], None] = lambda act: None,
    ) -> None:
        """`read` gives a page of a job; `look`, for each of some jobs, what its subtasks say of
        how far they are; both are called in threads. `before_exit` has something called when
        the process is told to end."""
        self._bell, self._read, self._look, self._before_exit = bell, read, look, before_exit
        self._channels: dict[str, Channel] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closing = False

    def __len__(self) -> int:
        """How many follow."""
        return sum(channel.followers for channel in self._channels.values())

    def close(self) -> None:
        """Let everybody go, who will come back to another process. From any thread or signal."""
        self._closing = True
        if self._loop and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._ring_all)

    async def follow(self, job: str, after: Position) -> AsyncGenerator[bytes, None]:
        """What was recorded for a job behind a position, and then whatever is, until it ends.

        Raises `Gone` if it is deleted before that: what breaks off does not look whole.
        """
        clock = asyncio.get_running_loop().time
        with self._following(job) as channel:
            teller, said_at = Teller(after), clock()
            yield HELLO
            while not self._closing:
                page, news = await self._read_from(channel, teller.after)
                for part in teller.tell(page, channel.told):
                    yield part
                    said_at = clock()
                if page.state is None:
                    raise Gone(f"job {job} was deleted while it was followed")
                if page.final is not None:
                    return
                if page.whole:
                    await channel.rest(news, KEEP_ALIVE_SECONDS)
                if clock() - said_at >= KEEP_ALIVE_SECONDS:
                    yield KEEP_ALIVE
                    said_at = clock()

    async def _read_from(self, channel: Channel, after: Position) -> tuple[Page, int]:
        """The next page, as soon as the database answers."""
        while True:
            try:
                return await channel.read(after)
            except (OperationalError, InterfaceError) as error:
                log.warning("followers.wait", error=str(error))
                await asyncio.sleep(AWAY_SECONDS)

    @contextmanager
    def _following(self, job: str) -> Iterator[Channel]:
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            self._loop = loop
            self._before_exit(self.close)
        channel = self._channels.get(job)
        if channel is None:
            channel = Channel(lambda after: in_thread(partial(self._read, job, after)))
            self._channels[job] = channel
            channel.ring_safely = partial(_ring_safely, loop, channel)
            self._bell.follow(job, channel.ring_safely)
        channel.followers += 1
        self._keep_running("tick", self._tick)
        try:
            yield channel
        finally:
            channel.followers -= 1
            if not channel.followers:
                del self._channels[job]
                self._bell.unfollow(job, channel.ring_safely)

    async def _tick(self) -> None:
        """As long as anybody follows, look once a second: messages may be lost."""
        while self._channels:
            self._keep_running("look", self._look_around)
            await asyncio.sleep(LOOK_AGAIN_SECONDS)
            self._ring_all()

    async def _look_around(self) -> None:
        # Apart from the ticking: Redis may be away for long.
        told = await in_thread(partial(self._look, set(self._channels)))
        for job, channel in self._channels.items():
            channel.told = told.get(job, {})

    def _ring_all(self) -> None:
        for channel in self._channels.values():
            channel.ring()

    def _keep_running(self, name: str, run: Callable[[], Coroutine[Any, Any, None]]) -> None:
        if name not in self._tasks or self._tasks[name].done():
            self._tasks[name] = asyncio.create_task(run())


def _ring_safely(loop: asyncio.AbstractEventLoop, channel: Channel) -> None:
    """From another thread."""
    with suppress(RuntimeError):  # the loop is closed: nobody follows any more
        loop.call_soon_threadsafe(channel.ring)
