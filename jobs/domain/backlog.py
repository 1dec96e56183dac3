"""Ready work in memory: a bounded window per job, and the order in which jobs are served."""

import heapq
from collections import deque
from dataclasses import dataclass, field, replace
from datetime import datetime

from jobs.domain.retry import Policy
from nodes.domain.placement import Demand

AGEING_SECONDS = 60.0
#: Of this many picks, one goes to the second queue first.
FAVOUR = 9


@dataclass(frozen=True, slots=True)
class Ready:
    """A subtask that may be sent. `number` is that of its next attempt, `item` JSON text."""

    subtask: int
    index: int
    number: int
    item: str
    reduce: bool = False
    avoid: frozenset[str] = frozenset()
    #: The name of its result in the cache, if its job asks for that.
    key: str = ""

    def after(self, *, avoid: frozenset[str]) -> "Ready":
        """The same subtask as its next attempt will see it."""
        return replace(self, number=self.number + 1, avoid=self.avoid | avoid)


@dataclass(frozen=True, slots=True)
class Order:
    """What every subtask of a job has in common. `rank` 0 is the preferred queue."""

    job: str
    task: str
    queue: str
    rank: int
    priority: int
    total: int
    timeout: float
    kwargs: str
    reduce: str
    policy: Policy
    demand: Demand
    idempotent: bool = True
    alone: bool = False
    fail_fast: bool = False
    deadline: datetime | None = None
    #: For so many seconds results may be used again; what their keys have in common.
    cache_for: float = 0.0
    cache_base: str = ""
    #: What a cancellation names; another one after each retry by hand.
    stop_token: str = ""

    @property
    def once(self) -> bool:
        """Whether nothing of it may ever run twice."""
        return self.policy.at_most_once


@dataclass(slots=True)
class Line:
    """One job's window of ready subtasks. `served` is the work it was given, in seconds."""

    order: Order
    since: float
    ready: deque[Ready] = field(default_factory=deque)
    later: list[tuple[float, int, Ready]] = field(default_factory=list)
    cursor: int = -1
    exhausted: bool = False
    remaining: int = 0
    in_flight: int = 0
    served: float = 0.0
    held: bool = False
    stopped: bool = False
    started: bool = False
    awaiting_room: str = ""
    #: Subtasks of which a second copy was made ready, and not all copies have come back.
    doubled: set[int] = field(default_factory=set)
    #: Subtasks that succeeded while another copy was in flight.
    decided: set[int] = field(default_factory=set)
    #: Subtasks whose result is known (None: is in the database), and those that wait for one.
    known: deque[tuple[Ready, str | None]] = field(default_factory=deque)
    parked: dict[int, Ready] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Whether nothing of the job is left to send or to wait for."""
        waiting = self.ready or self.later or self.known or self.parked
        return self.exhausted and not (waiting or self.in_flight)

    def drop(self) -> None:
        """Forget everything that waits: the job is being stopped."""
        for waiting in (self.ready, self.later, self.known, self.parked):
            waiting.clear()

    def double(self, work: Ready) -> None:
        """Send a second copy of work that is in flight; the first result will win."""
        if work.subtask not in self.doubled:
            self.doubled.add(work.subtask)
            self.ready.appendleft(work)

    def forget_copy(self, subtask: int) -> None:
        """The subtask is decided: a copy that still waits is not sent any more."""
        if subtask in self.doubled:
            self.doubled.discard(subtask)
            self.ready = deque(ready for ready in self.ready if ready.subtask != subtask)

    def is_past(self, work: Ready) -> bool:
        """Whether the window has come by this subtask. If not, a page will bring it, and whoever
        puts it back before that has it run twice."""
        return self.exhausted or work.index <= self.cursor

    def put_off(self, work: Ready, until: float) -> None:
        """A retry: ready again at `until` (Unix seconds)."""
        heapq.heappush(self.later, (until, work.subtask, work))

    def wake(self, now: float) -> None:
        """Move retries whose time has come to the front."""
        while self.later and self.later[0][0] <= now:
            self.ready.appendleft(heapq.heappop(self.later)[2])

    def next_due(self) -> float | None:
        """When the next retry is due, in Unix seconds."""
        return self.later[0][0] if self.later else None


class Backlog:
    """All lines, and whose turn it is: queue 8 : 1, priority with ageing, then fair shares."""

    def __init__(self) -> None:
        self._lines: dict[str, Line] = {}
        self._picks = 0

    def __contains__(self, job: object) -> bool:
        return job in self._lines

    def get(self, job: str) -> Line | None:
        """The line of a job that has not ended."""
        return self._lines.get(job)

    def lines(self) -> list[Line]:
        """All lines."""
        return list(self._lines.values())

    def open(self, line: Line) -> Line:
        """A job enters, level with the least served of its equals: it neither waits nor hogs."""
        equals = [
            other.served
            for other in self._lines.values()
            if (other.ready or other.in_flight) and not other.held and _are_equal(other, line)
        ]
        line.served = min(equals, default=0.0)
        return self._lines.setdefault(line.order.job, line)

    def close(self, job: str) -> None:
        """A job left."""
        self._lines.pop(job, None)

    def turn(self, now: float, *, skip: frozenset[str] | set[str] = frozenset()) -> Line | None:
        """The line to serve next; `skip` names jobs that nobody has room for."""
        able = [
            line
            for line in self._lines.values()
            if line.ready and not line.held and not line.stopped and line.order.job not in skip
        ]
        if not able:
            return None
        favoured = min(line.order.rank for line in able)
        if (self._picks + 1) % FAVOUR == 0:
            favoured = max(line.order.rank for line in able)
        rows = [line for line in able if line.order.rank == favoured]
        return min(rows, key=lambda line: (-_urgency(line, now), line.served, line.order.job))

    def charge(self, line: Line, *, seconds: float, now: float) -> None:
        """A bundle of the line was sent: its share and its age are paid."""
        self._picks += 1
        line.served += seconds
        line.since = now


def _are_equal(one: Line, other: Line) -> bool:
    """Whether they share their turns. Who must wait behind others was served little so far."""
    a, b = one.order, other.order
    return (a.rank, a.priority) == (b.rank, b.priority)


def _urgency(line: Line, now: float) -> int:
    return line.order.priority + int(max(now - line.since, 0.0) / AGEING_SECONDS)
