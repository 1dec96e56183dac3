"""Simulated time: what happens when, and lives that sleep and are woken."""

import heapq
import itertools
from collections.abc import Callable, Generator

#: A life: does something, then yields how many seconds it rests.
Days = Generator[float, None, None]


class Agenda:
    """A clock (Unix seconds) that jumps from event to event."""

    def __init__(self, start: float) -> None:
        self.now = start
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()

    def at(self, when: float, act: Callable[[], None]) -> None:
        """Let something happen at a time."""
        heapq.heappush(self._events, (max(when, self.now), next(self._order), act))

    def after(self, seconds: float, act: Callable[[], None]) -> None:
        """Let something happen in a while."""
        self.at(self.now + seconds, act)

    def run(self, until: float) -> None:
        """Let time pass. What happens may let time pass itself: everybody else goes on then."""
        while self._events and self._events[0][0] <= until:
            when, _, act = heapq.heappop(self._events)
            self.now = max(self.now, when)
            act()
        self.now = max(self.now, until)


class Life:
    """Runs a generator along the agenda until it ends or is ended."""

    def __init__(
        self, agenda: Agenda, days: Days, frozen_until: Callable[[], float] = lambda: 0.0
    ) -> None:
        self._agenda, self._days, self._frozen_until = agenda, days, frozen_until
        self._alarm = 0
        self._wakes_at = agenda.now
        self._awake = False
        self.over = False
        self._set_alarm(0.0)

    def wake(self, after: float = 0.0) -> None:
        """End the rest early, unless it ends before anyway."""
        if not self._awake and self._agenda.now + after < self._wakes_at:
            self._set_alarm(after)

    def end(self) -> None:
        """It does nothing any more, whatever it was about to do."""
        self.over = True
        if not self._awake:
            self._days.close()

    def _set_alarm(self, seconds: float) -> None:
        self._alarm += 1
        alarm, self._wakes_at = self._alarm, self._agenda.now + seconds
        self._agenda.at(self._wakes_at, lambda: self._ring(alarm))

    def _ring(self, alarm: int) -> None:
        if self.over or self._awake or alarm != self._alarm:
            return
        if (thaw := self._frozen_until()) > self._agenda.now:
            self._agenda.at(thaw, lambda: self._ring(alarm))
            return
        self._awake = True
        try:
            rest = next(self._days)
        except StopIteration:
            self.over = True
            return
        finally:
            self._awake = False
        self._set_alarm(max(rest, 0.0))
