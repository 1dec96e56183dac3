"""How much of a task may run in the whole cluster: so many at once, so many starts in a period.

Starts are counted in a sliding window, not a bucket that refills: in no period, wherever it
begins, are there more of them than the rate says. Times are Unix seconds.
"""

import re
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from jobs.domain.flight import Flight

PERIODS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400}
MOST = 100_000
RATE = re.compile(r"([0-9]{1,6})/([a-z]+)")
#: So much sooner than another one a bundle may begin after it was sent.
LAG_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Rate:
    """So many starts in a period."""

    count: int
    period: str

    @property
    def seconds(self) -> int:
        """How long the period is."""
        return PERIODS[self.period]

    def __str__(self) -> str:
        return f"{self.count}/{self.period}"


@dataclass(frozen=True, slots=True)
class Limit:
    """What a task may do; None: as much as there is room for."""

    rate: Rate | None = None
    concurrency: int | None = None


def read_limit(*, rate: object, concurrency: object) -> Limit:
    """The limits that these say. Raises `ValueError` with what is allowed."""
    return Limit(read_rate(rate), read_concurrency(concurrency))


def read_rate(value: object) -> Rate | None:
    """A rate like "10/second"; None for None or an empty text. Raises `ValueError`."""
    if value is None or value == "":
        return None
    found = RATE.fullmatch(value) if isinstance(value, str) else None
    if not found or found[2] not in PERIODS or not 1 <= int(found[1]) <= MOST:
        units = ", ".join(PERIODS)
        raise ValueError(
            f"{value!r}; give starts in a period, like 10/second (1 to {MOST}; {units})"
        )
    return Rate(int(found[1]), found[2])


def read_concurrency(value: object) -> int | None:
    """How many may run at once; None for None. Raises `ValueError`."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MOST:
        raise ValueError(f"{value!r}; give how many may run at once, 1 to {MOST}")
    return value


class Window:
    """The starts of the last period."""

    def __init__(self, rate: Rate, starts: Iterable[float] = ()) -> None:
        self.rate = rate
        self._starts = deque((at, 1) for at in sorted(starts))
        self._count = len(self._starts)

    def room(self, now: float) -> int:
        """How many may start now."""
        self._forget(now)
        return max(self.rate.count - self._count, 0)

    def take(self, items: int, *, now: float, last: float) -> None:
        """So many start between now and `last`; each counts as if it were the last."""
        newest = self._starts[-1][0] if self._starts else now
        self._starts.append((max(last, newest, now), items))
        self._count += items

    def next_room(self, now: float) -> float:
        """When there is room again."""
        self._forget(now)
        excess = self._count - self.rate.count
        for at, items in self._starts:
            if excess < 0:
                break
            excess -= items
            now = max(now, at + self.rate.seconds + LAG_SECONDS)
        return now

    def _forget(self, now: float) -> None:
        period = self.rate.seconds + LAG_SECONDS
        if self._starts and self._starts[-1][0] > now + period:
            # The clock went back: nobody waits for a time that a wrong clock put far off.
            self._starts = deque([(now, self._count)])
        while self._starts and self._starts[0][0] + period <= now:
            self._count -= self._starts.popleft()[1]


#: When work of a task started since a time, at most so many, the newest.
Recall = Callable[[str, float, int], Iterable[float]]


class Limiter:
    """One leader's gate: it lets through what no limit forbids.

    What is in flight counts as running: a bundle occupies one slot, whatever it holds.
    """

    def __init__(self, flight: Flight, recall: Recall = lambda task, since, most: ()) -> None:
        self._flight, self._recall = flight, recall
        self._limits: Mapping[str, Limit] = {}
        self._windows: dict[str, Window] = {}
        self._next_room: dict[str, float] = {}

    def adopt(self, limits: Mapping[str, Limit], now: float) -> None:
        """These are the limits from now on; what started before counts."""
        rates = {task: limit.rate for task, limit in limits.items() if limit.rate}
        kept = {t: w for t, w in self._windows.items() if rates.get(t) == w.rate}
        opened = {t: self._open(t, rate, now) for t, rate in rates.items() if t not in kept}
        self._limits, self._windows = limits, kept | opened
        self._next_room = {}

    def _open(self, task: str, rate: Rate, now: float) -> Window:
        since = now - rate.seconds - LAG_SECONDS
        starts = list(self._recall(task, since, rate.count))
        starts += [s.at for s in self._flight if s.task == task for _ in s.open if s.at > since]
        return Window(rate, starts)

    def room(self, task: str, now: float) -> int | None:
        """How many items may start now in one more bundle; None if there is no limit."""
        limit = self._limits.get(task)
        if limit is None:
            return None
        if limit.concurrency is not None and self._flight.busy(task) >= limit.concurrency:
            return 0
        if limit.rate is None:
            return MOST
        room = self._windows[task].room(now)
        if not room:
            self._next_room[task] = self._windows[task].next_room(now)
        return room

    def spare(self, task: str, now: float) -> int | None:
        """How many items could start now if there were room for each; None if there is no limit."""
        room, limit = self.room(task, now), self._limits.get(task)
        if not room or limit is None or limit.concurrency is None:
            return room
        return min(room, limit.concurrency - self._flight.busy(task))

    def reason(self, task: str) -> str:
        """Why there is no room."""
        limit = self._limits[task]
        if limit.concurrency is not None and self._flight.busy(task) >= limit.concurrency:
            return f"limit of {limit.concurrency} at once for {task}"
        return f"limit of {limit.rate} for {task}"

    def start(self, task: str, items: int, *, seconds: float, now: float) -> None:
        """A bundle of so many items was sent; it takes `seconds`."""
        if window := self._windows.get(task):
            window.take(items, now=now, last=now + seconds * (items - 1) / items)

    def next_due(self, now: float) -> float | None:
        """When something that a rate held back may start, in Unix seconds."""
        return min((at for at in self._next_room.values() if at > now), default=None)
