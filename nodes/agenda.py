"""Duties in their order, some in each step: so that a large cluster keeps no step busy for long."""

from collections import deque
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

Duty = Callable[[datetime], None]


class Agenda:
    """What is still to be done of one round."""

    def __init__(self, stopwatch: Callable[[], float]) -> None:
        self._stopwatch = stopwatch
        self._duties: deque[Duty] = deque()

    def __bool__(self) -> bool:
        return bool(self._duties)

    def add(self, *duties: Duty) -> None:
        """Behind all others."""
        self._duties.extend(duties)

    def put_first(self, duties: Iterable[Duty]) -> None:
        """Before all others, in this order."""
        self._duties.extendleft(reversed(list(duties)))

    def clear(self) -> None:
        """Forget what was not done."""
        self._duties.clear()

    def go_on(self, now: datetime, *, step: timedelta) -> None:
        """Do what is next, at least one thing, and as much as fits into a step.

        Whatever a duty raises, the rest of the round is forgotten: it begins anew.
        """
        begun = self._stopwatch()
        try:
            while self._duties:
                self._duties.popleft()(now)
                if self._stopwatch() - begun >= step.total_seconds():
                    return
        except BaseException:
            self.clear()
            raise
