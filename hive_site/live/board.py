"""One topic as its viewers see it, and what each of them has not been told yet."""

import asyncio
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from hive_site.live.domain import protocol
from hive_site.live.domain.grid_log import GridLog
from hive_site.live.domain.protocol import Position
from hive_site.live.domain.sheet import Sheet
from nodes.picture import Picture

#: Texts kept for who was told the same. A client says from where it goes on, and may make that up.
MOST_TEXTS = 32


@dataclass(frozen=True, slots=True)
class Look:
    """What one look at a topic's subject showed: all rows, and of a grid all or what changed."""

    rows: Mapping[str, Any]
    grid: bytes | None = None
    cells: Mapping[int, int] = field(default_factory=dict)


class Topic:
    """Something to watch. Knows how to look at its subject, and nothing of who watches."""

    #: Between two looks, in seconds.
    pace = 1.0

    def __init__(self, subject: str = "") -> None:
        self.subject = subject

    def sketch(self, picture: Picture, now: float) -> Look | None:
        """What the Foreman's picture shows of it; None if that takes more."""
        return None

    def read(self, picture: Picture, now: float) -> Look:
        """What the database shows as well; called in a thread, and never twice at once.

        Raises `NotFound` if there is no such thing."""
        raise NotImplementedError

    def open(self, ring: Callable[[], None]) -> None:
        """Somebody begins to watch: call `ring`, from any thread, when there is news."""

    def close(self) -> None:
        """Nobody watches any more."""


class Viewer:
    """One socket: whose it is, what it watches, and up to where it was told."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.places: dict[str, Position | None] = {}
        self.beat = 0
        self._bell = asyncio.Event()

    def ring(self) -> None:
        """There may be something new."""
        self._bell.set()

    async def rest(self) -> None:
        """Wait for the bell."""
        await self._bell.wait()
        self._bell.clear()


class Board:
    """A topic's newest state, stamped, and the texts that bring viewers there."""

    def __init__(self, name: str, topic: Topic) -> None:
        self.name, self.topic = name, topic
        self.viewers: set[Viewer] = set()
        self.woken = asyncio.Event()
        #: Why there is nothing to see, if there is not.
        self.missing = ""
        #: Whether anybody looked since it is watched (again): what it shows from before is old.
        self.is_current = False
        #: Whether nothing came of the last look: what it takes was away, or it broke.
        self.away = False
        self.keeper: asyncio.Task[None] | None = None
        self._sheet = Sheet()
        self._grid: GridLog | None = None
        self._texts: dict[int, str] = {}
        #: Another process, and this one after a restart, count on their own.
        self._place = Position(secrets.token_hex(4), 0)

    def write(self, look: Look) -> bool:
        """Show what was seen; False if all of it was known."""
        seq = self._place.seq + 1
        changed = self._sheet.write(look.rows, at=seq)
        if look.grid is not None:
            self._grid, changed = GridLog(look.grid, at=seq), True
        elif self._grid is not None:
            changed = self._grid.write(look.cells, at=seq) or changed
        # That there is nothing is news too, at first.
        changed = changed or seq == 1
        if changed:
            self._place = Position(self._place.feed, seq)
            self._texts.clear()
        return changed

    def news(self, since: Position | None) -> tuple[str, Position] | None:
        """The text for somebody who was told up to there, and where it takes them.

        None if they know everything, or if nothing was seen yet.
        """
        here = self._place
        known = since.seq if since and since.feed == here.feed and since.seq <= here.seq else 0
        if known == here.seq:
            return None
        if known not in self._texts:
            if len(self._texts) >= MOST_TEXTS:
                self._texts.clear()
            self._texts[known] = self._tell(known)
        return self._texts[known], here

    def _tell(self, known: int) -> str:
        change = self._sheet.since(known)
        if self._grid is None:
            return protocol.news(self.name, self._place, change)
        cells = None if change.whole else self._grid.since(known)
        if cells is not None:
            grid: dict[str, object] = protocol.changed_cells(cells)
        else:
            # A client that forgets the cells may forget the row with them: it is but one.
            change, grid = self._sheet.since(0), protocol.whole_grid(self._grid.cells)
        return protocol.news(self.name, self._place, change, grid)
