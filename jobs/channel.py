"""The followers of one job, and the pages that they share.

Each pulls page by page at the pace of its own connection, so that a slow one holds nothing up and
nothing in memory. Whoever asks for the same page gets the same one: it is read once.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

from jobs.domain.following import Position

#: Between two looks at a job at work. Results are told within 100 ms, and not one by one.
PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.05, 0.08
#: Those who record share the machine with us. While they are at it, telling a flood takes this
#: share of a core and no more: its followers fall behind, by so much at each look at most.
SHARE, FLOOD_PAUSE_SECONDS = 0.1, 0.5
#: Pages of one job that are kept for followers who have not come so far.
KEPT_PAGES = 4


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
        self._begun = self._cpu = self._longest = 0.0
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

    async def rest(self, news: int, seconds: float) -> None:
        """Wait until the job has rung more often than that, or for so many seconds."""
        if self.news <= news:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._bell.wait(), seconds)

    async def _look(self, after: Position) -> Page:
        clock = asyncio.get_running_loop().time
        if self._paced:
            # By now the page before was sent: it is known what that took.
            due = max((time.process_time() - self._cpu) / SHARE, PAUSE_SECONDS)
            await asyncio.sleep(self._begun + min(due, self._longest) - clock())
        self._begun, self._cpu = clock(), time.process_time()
        page = await self._read(after)
        # Who waits for the next thing is told at once, and so is who comes when all is over.
        self._paced = page.live and bool(page.body)
        self._longest = LONGEST_PAUSE_SECONDS if page.whole else FLOOD_PAUSE_SECONDS
        return page
