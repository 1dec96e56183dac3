"""What operators set for the order of work: limits of tasks, and schedules. Read by the leader."""

from datetime import datetime

from jobs.domain.flight import Flight
from jobs.domain.limits import Limiter
from jobs.limits import effective_limits, recall_starts
from jobs.timetable import Timetable
from nodes.leadership import Leadership
from nodes.ports import Wakeup

POLL_SECONDS = 5.0


class Steering:
    """Belongs to one workload; a new leader begins with a new one."""

    def __init__(self, flight: Flight, leadership: Leadership) -> None:
        self.limiter = Limiter(flight, recall_starts)
        self._timetable = Timetable(leadership)
        self._read_at = 0.0

    def read(self, now: datetime) -> None:
        """Read everything anew; what is in flight must be known by now."""
        self._read_at = now.timestamp()
        self.limiter.adopt(effective_limits(), now.timestamp())
        self._timetable.read()

    def heed(self, wakeups: list[Wakeup], now: datetime) -> None:
        """Look at what changed, if one of the hints is about it."""
        if any(hint.what in ("limits", "schedule") for hint in wakeups):
            self.read(now)

    def look(self, now: datetime) -> set[str]:
        """Once a second: submit what is due; the new jobs. Hints may be lost: read sometimes."""
        if not 0 <= now.timestamp() - self._read_at < POLL_SECONDS:
            self.read(now)
        return self._timetable.submit_due(now)
