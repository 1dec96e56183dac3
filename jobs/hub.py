"""Everybody in this process who follows jobs as they run, in one event loop.

Followers of one job share what is read for it: a hundred of them cost the database what one does.
Each pulls page by page at the pace of its own connection, so that a slow one holds nothing up and
nothing in memory. The wake-up is the message that waiters get; once a second all look anyway.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import structlog
from asgiref.sync import sync_to_async
from django.db import InterfaceError, OperationalError, close_old_connections

from jobs.domain.following import Position
from jobs.sse import HELLO, KEEP_ALIVE, event
from jobs.waiting import Bell

log = structlog.get_logger()
LOOK_AGAIN_SECONDS = 1.0
KEEP_ALIVE_SECONDS, AWAY_SECONDS = 15.0, 1.0
#: Between two looks at a job at work. Results are told within 100 ms, and not one by one.
PAUSE_SECONDS = 0.05
#: Those who record share the machine with us. While they are at it, telling takes this share of a
#: core and no more: followers of a flood fall behind, at most by so much at each look.
SHARE, LONGEST_PAUSE_SECONDS = 0.2, 0.25
#: Pages of one job that are kept for followers who have not come so far.
KEPT_PAGES = 4
#: What is handed to a connection at once: more would wait in its buffer.
PART_BYTES = 64 * 1024
#: Threads that read. The pool of connections to PostgreSQL has 20 for everybody.
READERS = 4
_threads = ThreadPoolExecutor(READERS, thread_name_prefix="followers")
R = TypeVar("R")


async def in_thread(read: Callable[[], R]) -> R:
    """What `read` returns, from a thread that keeps no connection to the database."""

    def run() -> R:
        try:
            return read()
        finally:
            close_old_connections()

    return await sync_to_async(run, thread_sensitive=False, executor=_threads)()


@dataclass(frozen=True, slots=True)
class Page:
    """Some of what happened to a job, as events that all its followers share."""

    body: bytes
    #: Where it leaves its reader, and whether there was nothing more just then.
    end: Position
    whole: bool
    #: Whether more may be recorded.
    live: bool
    #: The job's state and progress as JSON; None if the job is no more.
    state: str | None
    #: The job as JSON, if it has ended and this is the last page.
    final: str | None


@dataclass(frozen=True, slots=True)
class Reading:
    """A page that is being read, or was; `news` is how often the job had rung before."""

    news: int
    task: "asyncio.Task[Page]"

    def serves(self, news: int) -> bool:
        """Whether whoever comes now learns from it what there is."""
        if not self.task.done():
            return True
        if self.task.cancelled() or self.task.exception():
            return False
        page = self.task.result()
        # What was read stays true. That there was nothing does not.
        return self.news == news or (bool(page.body) and page.final is None)


class Channel:
    """The followers of one job."""

    def __init__(self, read: Callable[[Position], Awaitable[Page]]) -> None:
        self._read = read
        self._bell = asyncio.Event()
        self._readings: dict[Position, Reading] = {}
        self._begun = self._cpu = 0.0
        self._paced = False
        self.followers = self.news = 0
        self.ring_safely: Callable[[], None] = lambda: None
        #: What its subtasks say of how far they are, as JSON, by index.
        self.told: dict[int, str] = {}

    def ring(self) -> None:
        """Something was recorded, or it is time to look."""
        self.news += 1
        self._bell.set()
        self._bell = asyncio.Event()

    async def read(self, after: Position) -> tuple[Page, int]:
        """The page behind a position, and how often the job had rung before it was read."""
        reading = self._readings.pop(after, None)
        if reading is None or not reading.serves(self.news):
            reading = Reading(self.news, asyncio.create_task(self._look(after)))
        self._readings[after] = reading  # at the end, as the newest
        while len(self._readings) > KEPT_PAGES:
            del self._readings[next(iter(self._readings))]
        return await asyncio.shield(reading.task), reading.news

    async def rest(self, news: int) -> bool:
        """Wait until the job has rung more often than that; False if that takes long."""
        if self.news > news:
            return True
        with suppress(TimeoutError):
            await asyncio.wait_for(self._bell.wait(), KEEP_ALIVE_SECONDS)
            return True
        return False

    async def _look(self, after: Position) -> Page:
        clock = asyncio.get_running_loop().time
        if self._paced:
            # By now the page before was sent: it is known what that took.
            due = max((time.process_time() - self._cpu) / SHARE, PAUSE_SECONDS)
            await asyncio.sleep(self._begun + min(due, LONGEST_PAUSE_SECONDS) - clock())
        self._begun, self._cpu = clock(), time.process_time()
        page = await self._read(after)
        # Who waits for the next thing is told at once, and so is who comes when all is over.
        self._paced = page.live and bool(page.body)
        return page


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

    async def follow(self, job: str, after: Position) -> AsyncIterator[bytes]:
        """What was recorded for a job behind a position, and then whatever is, until it ends."""
        with self._following(job) as channel:
            yield HELLO
            state, told = None, dict[int, str]()
            while not self._closing:
                page, news = await self._read_from(channel, after)
                if page.state is None:
                    return
                for begin in range(0, len(page.body), PART_BYTES):
                    yield page.body[begin : begin + PART_BYTES]
                after = page.end
                if page.state != state:
                    yield event("state", page.state, after)
                for said in (each for i, each in channel.told.items() if told.get(i) != each):
                    yield event("progress", said, after)
                state, told = page.state, channel.told
                if page.final is not None:
                    yield event("end", page.final, after)
                    return
                if page.whole and not await channel.rest(news):
                    yield KEEP_ALIVE

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
