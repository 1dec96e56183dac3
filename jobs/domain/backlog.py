"""Ready work in memory: a bounded window per job, and the order in which jobs are served."""

import heapq
from collections import deque
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from datetime import datetime

from jobs.domain.retry import Policy
from jobs.domain.shares import Lane, Standing
from jobs.domain.turns import Turns
from nodes.domain.placement import Demand

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
    #: Why it is a second copy, for people. Then it never runs where it is to avoid.
    copy_because: str = ""
    #: The name of its result in the cache, if its job asks for that.
    key: str = ""

    def after(self, *, avoid: frozenset[str], copy_because: str = "") -> "Ready":
        """The same subtask as its next attempt will see it."""
        number, avoided = self.number + 1, self.avoid | avoid
        return replace(self, number=number, avoid=avoided, copy_because=copy_because)

    def alone(self) -> "Ready":
        """The same subtask, of which no other copy is left."""
        return replace(self, copy_because="")


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
    submitter: str = ""
    idempotent: bool = True
    alone: bool = False
    fail_fast: bool = False
    deadline: datetime | None = None
    #: For so many seconds results may be used again; what their keys have in common.
    cache_for: float = 0.0
    cache_base: str = ""
    #: What a cancellation names; another one after each retry by hand.
    stop_token: str = ""
    #: The span under which its work is traced, if somebody does.
    traceparent: str = ""
    #: The same for its reduction, whose task has options of its own.
    reduction: "Order | None" = None

    def of(self, *, reduce: bool) -> "Order":
        """The order that the reduction is under, or every item."""
        return self.reduction if reduce and self.reduction else self

    @property
    def once(self) -> bool:
        """Whether nothing of it may ever run twice."""
        return self.policy.at_most_once


@dataclass(slots=True, eq=False)
class Line:
    """One job's window of ready subtasks."""

    order: Order
    #: Since when it waits for its turn; it begins anew with each.
    since: float
    ready: deque[Ready] = field(default_factory=deque)
    later: list[tuple[float, int, Ready]] = field(default_factory=list)
    cursor: int = -1
    exhausted: bool = False
    remaining: int = 0
    in_flight: int = 0
    held: bool = False
    stopped: bool = False
    started: bool = False
    #: Subtasks of which a second copy was made ready, and not all copies have come back.
    doubled: set[int] = field(default_factory=set)
    #: Subtasks that succeeded while another copy was in flight.
    decided: set[int] = field(default_factory=set)
    #: Subtasks whose result is known (None: is in the database), and those that wait for one.
    known: deque[tuple[Ready, str | None]] = field(default_factory=deque)
    parked: dict[int, Ready] = field(default_factory=dict)
    standing: Standing = field(default_factory=Standing, repr=False)
    #: When retries are due, with the job; all lines of a backlog share it.
    alarms: list[tuple[float, str]] = field(default_factory=list, repr=False)
    #: Since when what waits could have been sent, in Unix seconds.
    ready_since: float = 0.0

    def __post_init__(self) -> None:
        self.ready_since = self.ready_since or self.since

    @property
    def served(self) -> float:
        """The work that it was given, in seconds, as it counts against its peers."""
        return self.standing.account.served

    @property
    def awaiting_room(self) -> str:
        """Why nothing of it could be sent when it was last its turn, or that of its like."""
        return self.standing.lane.reason if self.standing.lane else ""

    @property
    def fits_nowhere(self) -> bool:
        """Whether no node can ever run it, as things are."""
        return self.standing.lane is not None and self.standing.lane.fits_nowhere

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
        heapq.heappush(self.alarms, (until, self.order.job))

    def wake(self, now: float) -> None:
        """Move retries whose time has come to the front."""
        while self.later and self.later[0][0] <= now:
            self.ready.appendleft(heapq.heappop(self.later)[2])

    def next_due(self) -> float | None:
        """When the next retry is due, in Unix seconds."""
        return self.later[0][0] if self.later else None


class Backlog:
    """All lines, and whose turn it is: queue 8 : 1, priority with ageing, then fair shares
    between submitters, and between the jobs of each."""

    def __init__(self) -> None:
        self._lines: dict[str, Line] = {}
        self._turns = Turns()
        self._alarms: list[tuple[float, str]] = []
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
        """A job enters; if it has a line, that one stays."""
        job = line.order.job
        if job not in self._lines:
            self._lines[job] = line
            for alarm in line.alarms:
                heapq.heappush(self._alarms, alarm)
            line.alarms = self._alarms
            self._turns.enter(line)
        return self._lines[job]

    def close(self, job: str) -> None:
        """A job left."""
        line = self._lines.pop(job, None)
        if line:
            self._turns.leave(line)

    def next_due(self) -> float | None:
        """When the next retry is due, in Unix seconds."""
        return self._alarms[0][0] if self._alarms else None

    def prepare(self, now: float, *, refill: Callable[[Line], None] = lambda line: None) -> None:
        """Before turns are given: wake retries, let lines age, `refill` those that ran empty."""
        while self._alarms and self._alarms[0][0] <= now:
            line = self._lines.get(heapq.heappop(self._alarms)[1])
            if line:
                line.wake(now)
        self._turns.prepare(now, refill)

    def turn(self, *, closed: Collection[Lane] = ()) -> Line | None:
        """The line to serve next; none of the lanes that are `closed`."""
        ninth = (self._picks + 1) % FAVOUR == 0
        return self._turns.first(last_rank_first=ninth, closed=closed)

    def pass_over(self, line: Line) -> None:
        """Leave this line out until `prepare` is called again."""
        self._turns.pass_over(line)

    def charge(self, line: Line, *, seconds: float, now: float) -> None:
        """A bundle of the line was sent: its share and its age are paid."""
        self._picks += 1
        self._turns.charge(line, seconds, now)
