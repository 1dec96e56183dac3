"""Everybody in this process who looks, in one event loop.

A hundred viewers of a topic cost what one does: one look at it, one text. Without viewers there
are no looks.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any

import structlog

from hive_site.kernel.errors import HiveError, NotFound
from hive_site.kernel.outages import OUTAGES
from hive_site.live.board import Board, Look, Topic, Viewer
from hive_site.live.domain import protocol
from hive_site.live.domain.protocol import Position
from hive_site.live.pictures import Pictures
from jobs.reader_threads import in_thread
from nodes.picture import Picture

log = structlog.get_logger()
BEAT_SECONDS = 1.0
MOST_VIEWERS = 200
#: Of these, so many may be one user's or one key's: nobody can keep all others out.
MOST_OF_ONE = 50
#: Boards that nobody looks at are kept for those who come back, so many of them.
MOST_AT_REST = 32
#: Threads of their own: however long looks take, nobody else waits behind them.
_lookers = ThreadPoolExecutor(3, thread_name_prefix="looker")


class Full(HiveError):
    """This process has as many viewers as it takes, of one user or in all."""


class Hub:
    """All boards of one process; they belong to one event loop."""

    def __init__(
        self,
        *,
        open_pictures: Callable[[Picture], Pictures],
        open_topic: Callable[[str], Topic],
        before_exit: Callable[[Callable[[], None]], None] = lambda act: None,
        clock: Callable[[], float] = time.time,
        most_viewers: int = MOST_VIEWERS,
        most_of_one: int = MOST_OF_ONE,
    ) -> None:
        """`open_pictures` is given the last one that was read. `open_topic` raises `NotFound` for a
        name that is none. `before_exit` has something called when the process is told to end."""
        self._open_pictures, self._open_topic = open_pictures, open_topic
        self._before_exit, self._clock = before_exit, clock
        self._most_viewers, self._most_of_one = most_viewers, most_of_one
        self.closing = False
        self._begin_in(None)

    def _begin_in(self, loop: asyncio.AbstractEventLoop | None) -> None:
        self._loop = loop
        self._viewers = set[Viewer]()
        self._boards = dict[str, Board]()
        self._tasks = dict[str, asyncio.Task[None]]()
        self._picture, self._pictured = Picture(), asyncio.Event()
        self._beats, self._beat = 0, ""

    def __len__(self) -> int:
        """How many look."""
        return len(self._viewers)

    def close(self) -> None:
        """Let everybody go, who will come back to another process. From any thread or signal."""
        self.closing = True
        if self._loop and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._ring_all)

    def enter(self, name: str) -> Viewer:
        """A new viewer of that name, who watches nothing yet. Raises `Full`."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            self._begin_in(loop)
            self._before_exit(self.close)
        if len(self._viewers) >= self._most_viewers:
            raise Full(f"{self._most_viewers} others look already")
        if sum(each.name == name for each in self._viewers) >= self._most_of_one:
            raise Full(f"{name} looks {self._most_of_one} times already")
        viewer = Viewer(name)
        self._viewers.add(viewer)
        self._keep_running("look", self._look_around)
        self._keep_running("beat", self._beat_on)
        return viewer

    def leave(self, viewer: Viewer) -> None:
        """This one is gone."""
        self._viewers.discard(viewer)
        self.watch(viewer, {})

    def watch(self, viewer: Viewer, places: Mapping[str, Position | None]) -> None:
        """From now on a viewer watches these topics, each from behind a position."""
        for name in viewer.places.keys() - places.keys():
            self._part(viewer, self._boards[name])
        viewer.places = dict(places)
        for name in places:
            self._join(viewer, name)
        viewer.ring()

    def texts(self, viewer: Viewer) -> Iterator[str]:
        """What a viewer is to be told, each text as of when it is asked for."""
        if self._beat and viewer.beat != self._beats:
            viewer.beat = self._beats
            yield self._beat
        for name in list(viewer.places):
            board = self._boards.get(name)
            if board is None or viewer not in board.viewers:
                continue
            if board.missing:
                del viewer.places[name]
                self._part(viewer, board)
                yield protocol.not_found(name, board.missing)
            elif board.is_current and (news := board.news(viewer.places[name])):
                text, viewer.places[name] = news
                yield text

    def _join(self, viewer: Viewer, name: str) -> None:
        # At the end, as the newest of those that may be at rest.
        board = self._boards.pop(name, None) or self._open(name)
        self._boards[name] = board
        if not board.viewers and not board.missing:
            board.is_current = False
            board.topic.open(partial(_wake_safely, asyncio.get_running_loop(), board.woken))
            board.woken.set()
        board.viewers.add(viewer)
        if not board.missing and (board.keeper is None or board.keeper.done()):
            board.keeper = asyncio.create_task(self._keep(board))

    def _open(self, name: str) -> Board:
        try:
            return Board(name, self._open_topic(name))
        except NotFound as fact:
            board = Board(name, Topic())
            board.missing = str(fact)
            return board

    def _part(self, viewer: Viewer, board: Board) -> None:
        if viewer not in board.viewers:
            return
        board.viewers.discard(viewer)
        if board.viewers:
            return
        board.topic.close()
        board.woken.set()
        if board.missing:
            del self._boards[board.name]
        at_rest = [name for name, each in self._boards.items() if not each.viewers]
        for name in at_rest[: max(len(at_rest) - MOST_AT_REST, 0)]:
            del self._boards[name]

    async def _keep(self, board: Board) -> None:
        """As long as anybody watches, look whenever the board is woken, at its own pace."""
        await self._pictured.wait()
        while board.viewers and not board.missing:
            await board.woken.wait()
            board.woken.clear()
            if not board.viewers:
                return
            if await self._refresh(board):
                for viewer in board.viewers:
                    viewer.ring()
            await asyncio.sleep(board.topic.pace)

    async def _refresh(self, board: Board) -> bool:
        """Look once; False if there is nothing new."""
        was_current = board.is_current
        try:
            changed = board.write(await self._look(board.topic))
        except NotFound as fact:
            board.missing = str(fact)
            return True
        except OUTAGES as error:
            if not board.away:
                log.warning("live.away", topic=board.name, error=str(error))
            board.away = True
            return False
        except Exception:  # one topic that breaks takes no other with it
            if not board.away:
                log.exception("live.broken", topic=board.name)
            board.away = True
            return False
        board.away, board.is_current = False, True
        return changed or not was_current

    async def _look(self, topic: Topic) -> Look:
        picture, now = self._picture, self._clock()
        sketch = topic.sketch(picture, now)
        if sketch is not None:
            return sketch
        return await in_thread(partial(topic.read, picture, now), _lookers)

    async def _look_around(self) -> None:
        """As long as anybody looks, read each picture once, and have all boards look at it."""
        while self._viewers:  # whoever came while the last pictures were let go of
            pictures = self._open_pictures(self._picture)
            try:
                await self._look_at(pictures)
            finally:
                self._pictured.clear()
                await pictures.close()

    async def _look_at(self, pictures: Pictures) -> None:
        while self._viewers:
            self._picture = await pictures.read()
            self._pictured.set()
            for board in self._boards.values():
                if board.viewers:
                    board.woken.set()
            await pictures.rest()

    async def _beat_on(self) -> None:
        """As long as anybody looks, say once a second that we live, and how old the picture is."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._pictured.wait(), BEAT_SECONDS)
        while self._viewers:
            now, picture = self._clock(), self._picture
            age, fresh = picture.age(now), picture.is_fresh(now)
            self._beats, self._beat = self._beats + 1, protocol.beat(at=now, age=age, fresh=fresh)
            self._ring_all()
            await asyncio.sleep(BEAT_SECONDS)
        self._beat = ""  # it says how old a picture was then: whoever comes next is told anew

    def _ring_all(self) -> None:
        for viewer in self._viewers:
            viewer.ring()

    def _keep_running(self, name: str, run: Callable[[], Coroutine[Any, Any, None]]) -> None:
        if name not in self._tasks or self._tasks[name].done():
            self._tasks[name] = asyncio.create_task(run())


def _wake_safely(loop: asyncio.AbstractEventLoop, woken: asyncio.Event) -> None:
    """From another thread."""
    with suppress(RuntimeError):  # the loop is closed: nobody looks any more
        loop.call_soon_threadsafe(woken.set)
