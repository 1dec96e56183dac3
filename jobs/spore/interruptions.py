"""Orders of the agent to end an attempt, as exceptions in the middle of its task."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from jobs.outcomes import TaskCancelled, TaskTimeout
from nodes.spore.board import CANCEL, NONE, Cell
from nodes.spore.slots import SOFT_STOP


class Interruptions:
    """One slot's. `attempt` is the one that may be interrupted just now; 0 for none."""

    def __init__(self, cell: Cell) -> None:
        self._cell = cell
        self.attempt = 0
        self._put_off = self._missed = False
        signal.signal(SOFT_STOP, self._heed)

    @contextmanager
    def put_off(self) -> Iterator[None]:
        """Not while this lasts: what it does must not be left half done. At its end, if at all."""
        self._put_off = True
        try:
            yield
        finally:
            self._put_off = False
        if self._missed:
            self._missed = False
            self._heed(SOFT_STOP, None)

    def _heed(self, signum: int, frame: FrameType | None) -> None:
        """The agent wants the running attempt to end: raise in the middle of the task."""
        what = self._cell.ordered(self.attempt) if self.attempt else NONE
        if what == NONE:
            return
        if self._put_off:
            self._missed = True
            return
        self.attempt = 0
        raise TaskCancelled("cancelled") if what == CANCEL else TaskTimeout("ran past its timeout")
