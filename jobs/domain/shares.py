"""What stands in line together: lanes of work that wants the same, and shares of submitters.

What changed behind a heap's back (a line ran empty, was paused, or left) is found out when it
comes to the top. Served work only grows, so a stale entry comes up early and is put right.
"""

from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush, heapreplace
from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jobs.domain.backlog import Line

#: Seconds of work that a newcomer is given before it has to share.
HEAD_START = 10.0
#: A heap may hold so many entries of lines that moved on before they are swept out.
LITTER = 64
#: A line in its group: minus its age, what it was served, its job; the number tells ties apart.
Entry = tuple[int, float, str, int, "Line"]
#: Against its urgency, what its submitter and it were served, its job: the least goes first.
Key = tuple[int, float, float, str]
_numbers = count()


@dataclass(slots=True)
class Account:
    """What a member of a pool was given, in seconds of work. Below `par` it has a head start."""

    served: float = 0.0
    par: float = 0.0

    @property
    def level(self) -> float:
        """Where it would stand without a head start. Only grows."""
        return max(self.served, self.par)


@dataclass(slots=True)
class Pool:
    """Members that share equally, but for a head start of newcomers.

    Without it, whatever is small would take twice as long beside whatever is large.
    """

    #: Where the last one stood that was served without a head start.
    floor: float = 0.0

    def admit(self, account: Account, least: float | None) -> None:
        """A member comes, or comes back; `least` is the lowest level of those at work, if any."""
        account.par = max(account.served, self.floor if least is None else least)
        account.served = max(account.served, account.par - HEAD_START)

    def charge(self, account: Account, seconds: float) -> None:
        """A member is given work."""
        if account.served >= account.par:
            self.floor = max(self.floor, account.served)
        account.served += seconds


@dataclass(slots=True, eq=False, repr=False)
class Standing:
    """Where a line stands among the others; only `Turns` writes here."""

    entry: Entry | None = None
    account: Account = field(default_factory=Account)
    group: "Group | None" = None
    share: "Share | None" = None
    lane: "Lane | None" = None
    ages: bool = False
    counts: bool = False


@dataclass(slots=True, eq=False, repr=False)
class Share:
    """One submitter's part of a queue and priority, in which its lines share."""

    account: Account = field(default_factory=Account)
    pool: Pool = field(default_factory=Pool)
    lines: int = 0
    _least: "list[tuple[float, int, Line]]" = field(default_factory=list)

    def join(self, line: "Line") -> None:
        """The line counts among those with which newcomers are level."""
        if not line.standing.counts:
            line.standing.counts = True
            heappush(self._least, (line.standing.account.level, next(_numbers), line))

    def level(self) -> float | None:
        """The lowest level of its lines at work; None if none is at work."""
        while self._least:
            known, number, line = self._least[0]
            level = line.standing.account.level
            if line.standing.share is not self or not is_at_work(line):
                line.standing.counts = False
                heappop(self._least)
            elif known != level:
                heapreplace(self._least, (level, number, line))
            else:
                return known
        return None


@dataclass(slots=True, eq=False, repr=False)
class Class:
    """The submitters of one queue and priority, who share it."""

    shares: dict[str, Share] = field(default_factory=dict)
    pool: Pool = field(default_factory=Pool)

    def sweep(self) -> None:
        """Forget submitters without lines who would come back as newcomers anyway."""
        self.shares = {
            submitter: share
            for submitter, share in self.shares.items()
            if share.lines or share.account.served > self.pool.floor - HEAD_START
        }


@dataclass(slots=True, eq=False, repr=False)
class Group:
    """Lines of one share in one lane. The oldest goes first, then whoever was served least."""

    share: Share
    priority: int
    heap: list[Entry] = field(default_factory=list)
    #: Its newest entry in the lane's heap; never greater than what its first line deserves.
    entry: "tuple[Key, int, Group] | None" = None
    _kept: int = 0

    def push(self, entry: Entry) -> None:
        """Take a line in, and sweep out what moved on if there is much of it."""
        heappush(self.heap, entry)
        if len(self.heap) > 2 * self._kept + LITTER:
            self.heap = [entry for entry in self.heap if entry[-1].standing.entry is entry]
            heapify(self.heap)
            self._kept = len(self.heap)

    def key(self, entry: Entry) -> Key:
        """How a line of it compares with those of other groups."""
        return (entry[0] - self.priority, self.share.account.served, entry[1], entry[2])

    def first(self, aside: "dict[str, Line]", *, reduce: bool) -> Entry | None:
        """The line to serve next of these; what has nothing to send is put aside."""
        while self.heap:
            entry = self.heap[0]
            line = entry[-1]
            if line.standing.entry is entry:
                if is_able(line) and line.ready[0].reduce == reduce:
                    return entry
                line.standing.entry = None
                aside[line.order.job] = line
            heappop(self.heap)
        return None


@dataclass(slots=True, eq=False, repr=False)
class Lane:
    """Work of one queue that wants the same: where the first finds no room, none of it does."""

    task: str
    reduce: bool = False
    #: Why none of it could be sent when it was last tried; empty once it was.
    reason: str = ""
    #: When that was found out, in Unix seconds.
    explained_at: float = 0.0
    #: Whether no node can ever run it, as things are.
    fits_nowhere: bool = False
    groups: dict[tuple[int, str], Group] = field(default_factory=dict)
    _heap: list[tuple[Key, int, Group]] = field(default_factory=list)

    def place(self, line: "Line", *, age: int) -> None:
        """Put a line where it belongs now; the place that it had is forgotten."""
        group = line.standing.group
        assert group is not None, "it joined one"  # noqa: S101
        entry = (-age, line.standing.account.served, line.order.job, next(_numbers), line)
        line.standing.entry = entry
        group.push(entry)
        key = group.key(entry)
        if group.entry is None or key < group.entry[0]:
            group.entry = (key, next(_numbers), group)
            heappush(self._heap, group.entry)
            if len(self._heap) > 2 * len(self.groups) + LITTER:
                self._heap = [entry for entry in self._heap if entry[2].entry is entry]
                heapify(self._heap)

    def first(self, aside: "dict[str, Line]") -> "tuple[Key, Line] | None":
        """The line to serve next of this lane, and how it compares with those of others."""
        while self._heap:
            known, _, group = self._heap[0]
            if group.entry is not self._heap[0]:
                heappop(self._heap)
                continue
            entry = group.first(aside, reduce=self.reduce)
            if entry is None:
                group.entry = None
                heappop(self._heap)
            elif (key := group.key(entry)) != known:
                group.entry = (key, next(_numbers), group)
                heapreplace(self._heap, group.entry)
            else:
                return key, entry[-1]
        return None

    def sweep(self) -> bool:
        """Forget groups without lines; False if there are no others."""
        self.groups = {key: group for key, group in self.groups.items() if group.heap}
        return bool(self.groups)


def is_able(line: "Line") -> bool:
    """Whether it has something to send, and may."""
    return bool(line.ready) and not (line.held or line.stopped)


def is_at_work(line: "Line") -> bool:
    """Whether it takes part in sharing: it has something to send, or in flight."""
    return bool(line.ready or line.in_flight) and not (line.held or line.stopped)
