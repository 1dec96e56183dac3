"""What the Foreman remembers of the last 30 days: samples joined into intervals, packed tightly.

Pure arithmetic. Times are Unix seconds, a value that nobody knows is None, and an interval in
which nothing was sampled is a gap, never a zero.
"""

import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from math import isnan, nan

Value = float | None

#: What is sampled, by the kind of its scope.
METRICS: dict[str, tuple[str, ...]] = {
    "cluster": (
        *("succeeded", "failed", "retried", "active", "depth", "oldest_wait"),
        *("busy", "slots", "nodes", "cpu", "memory"),
    ),
    "queue": ("depth", "oldest_wait", "in", "out"),
    "node": ("cpu", "memory", "received", "sent", "tasks"),
}
#: Of these an interval tells the highest value, of all others the mean.
PEAKS = frozenset({"oldest_wait"})
#: `struct` letters: there are thousands of nodes, and three digits do for them.
FORMATS = {"cluster": "f", "queue": "f", "node": "e"}
#: The largest number that a half float holds.
MAX_HALF = 65504.0
#: A clock that is set back further than this was wrong before.
MOST_BACK_SECONDS = 300


@dataclass(frozen=True, slots=True)
class Level:
    """One resolution, in seconds: of an interval, of a chunk of them, and how long it is kept."""

    step: int
    span: int
    keep: int


FINE = Level(step=10, span=3600, keep=86_400)
COARSE = Level(step=300, span=86_400, keep=30 * 86_400)
LEVELS = (FINE, COARSE)


def kind_of(scope: str) -> str:
    """What a scope is: "cluster", "queue" of "queue/NAME", "node" of "node/NAME"."""
    return scope.partition("/")[0]


class Bin:
    """What was sampled in one interval: enough for its values, and to be joined with others."""

    __slots__ = ("_counts", "_names", "_sums")

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names
        self._sums, self._counts = [0.0] * len(names), [0] * len(names)

    def add(self, values: Iterable[Value]) -> None:
        """Take one sample in, with a value for each name."""
        for n, value in enumerate(values):
            if value is not None:
                self._take(n, value, 1)

    def join(self, part: "Bin") -> None:
        """Take in all that a part of the interval took in."""
        for n, count in enumerate(part._counts):
            if count:
                self._take(n, part._sums[n], count)

    def values(self) -> list[Value]:
        """Means, and the highest of `PEAKS`; None where nothing was known."""
        return [
            (total if name in PEAKS else total / count) if count else None
            for name, total, count in zip(self._names, self._sums, self._counts, strict=True)
        ]

    def _take(self, n: int, value: float, count: int) -> None:
        peak = self._names[n] in PEAKS
        self._sums[n] = max(self._sums[n], value) if peak else self._sums[n] + value
        self._counts[n] += count


@dataclass(frozen=True, slots=True)
class Interval:
    """What came of one interval that is over."""

    level: Level
    start: int
    values: list[Value]


class Roller:
    """Joins the samples of one scope. Every interval is told once, when the next one begins."""

    __slots__ = ("_coarse", "_coarse_start", "_fine", "_fine_start", "_names")

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names
        self._begin(0)

    def _begin(self, start: int) -> None:
        self._fine, self._fine_start = Bin(self._names), start
        self._coarse, self._coarse_start = Bin(self._names), floor(start, COARSE.step)

    @property
    def began(self) -> int:
        """When the interval began in which its newest sample lies."""
        return self._fine_start

    def add(self, at: float, values: Iterable[Value]) -> list[Interval]:
        """Take a sample in; the intervals that are over by that."""
        start = floor(at, FINE.step)
        over = self._turn(start) if start != self._fine_start else []
        # Of a clock that was set back, what was told already is not told again.
        if start == self._fine_start:
            self._fine.add(values)
        return over

    def _turn(self, start: int) -> list[Interval]:
        if start < self._fine_start - MOST_BACK_SECONDS:
            # It was wrong before, and would have us wait until it is as late again.
            self._begin(start)
            return []
        if start < self._fine_start:
            return []
        over = []
        if self._fine_start:
            over.append(Interval(FINE, self._fine_start, self._fine.values()))
            self._coarse.join(self._fine)
        self._fine, self._fine_start = Bin(self._names), start
        coarse_start = floor(start, COARSE.step)
        if coarse_start != self._coarse_start:
            if self._coarse_start:
                over.append(Interval(COARSE, self._coarse_start, self._coarse.values()))
            self._coarse, self._coarse_start = Bin(self._names), coarse_start
        return over


def floor(at: float, step: int) -> int:
    """When the interval began in which a moment lies."""
    return int(at // step) * step


@dataclass(slots=True)
class Strip:
    """Intervals of one scope, one after the other from `start` on."""

    scope: str
    level: Level
    start: int
    data: bytearray = field(default_factory=bytearray)

    @property
    def end(self) -> int:
        """Where the next one begins: strips end on the whole hour, or day."""
        return floor(self.start, self.level.span) + self.level.span

    @property
    def next(self) -> int:
        """Where the first interval begins that can be appended."""
        return self.start + len(self.data) // _row(kind_of(self.scope)).size * self.level.step

    def put(self, interval: Interval) -> None:
        """Append an interval; those in between that nobody told of are gaps."""
        kind = kind_of(self.scope)
        row, width = _row(kind), len(METRICS[kind])
        missing = (interval.start - self.next) // self.level.step
        self.data += row.pack(*[nan] * width) * missing
        self.data += row.pack(*(_fit(kind, value) for value in interval.values))


def read_strip(
    scope: str, level: Level, start: int, data: bytes
) -> Iterator[tuple[int, list[Value]]]:
    """The intervals of a strip that are no gaps: when each began, and its values."""
    row = _row(kind_of(scope))
    for n, values in enumerate(row.iter_unpack(data[: len(data) // row.size * row.size])):
        if not all(map(isnan, values)):
            yield start + n * level.step, [None if isnan(v) else v for v in values]


def thin(
    rows: Iterable[tuple[float, list[Value]]], names: Sequence[str], *, step: int
) -> dict[int, list[Value]]:
    """Rows joined into intervals of `step` seconds, by when each begins."""
    bins: dict[int, Bin] = {}
    for at, values in rows:
        start = floor(at, step)
        if start not in bins:
            bins[start] = Bin(names)
        bins[start].add(values)
    return {start: each.values() for start, each in bins.items()}


def _row(kind: str) -> struct.Struct:
    return struct.Struct(f"<{len(METRICS[kind])}{FORMATS[kind]}")


def _fit(kind: str, value: Value) -> float:
    if value is None:
        return nan
    return min(value, MAX_HALF) if FORMATS[kind] == "e" else value
