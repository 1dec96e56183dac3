"""What is measured, what is asked of it, and how sides compare. Pure arithmetic, no I/O."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import median


class Verdict(StrEnum):
    """How far a value came."""

    GOAL = "goal"
    FLOOR = "floor"
    MISSED = "missed"


@dataclass(frozen=True, slots=True)
class Figure:
    """One number that a workload yields. `{n}` in the title is how many items the Hive ran.

    The floor must hold; the goal, at or beyond the floor, is what is aimed at.
    """

    key: str
    title: str
    unit: str
    more_is_better: bool = False
    goal: float | None = None
    floor: float | None = None

    def judge(self, value: float) -> Verdict | None:
        """How far the value came; None if nothing is asked of it."""
        if self.goal is None and self.floor is None:
            return None
        if self._reaches(value, self.goal):
            return Verdict.GOAL
        return Verdict.FLOOR if self._reaches(value, self.floor) else Verdict.MISSED

    def ratio(self, *, hive: float, rival: float) -> float | None:
        """How many times better the Hive is; None if that cannot be said."""
        better, worse = (hive, rival) if self.more_is_better else (rival, hive)
        return better / worse if better > 0 and worse > 0 else None

    def best(self, values: Mapping[str, float]) -> str | None:
        """Who has the best of these values, by name; None of nobody."""
        choose = max if self.more_is_better else min
        return choose(values, key=lambda name: values[name]) if values else None

    def _reaches(self, value: float, bound: float | None) -> bool:
        if bound is None:
            return False
        return value >= bound if self.more_is_better else value < bound


@dataclass(frozen=True, slots=True)
class Spread:
    """The median of the repeats, with the lowest and the highest of them."""

    median: float
    lowest: float
    highest: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """The spread of at least one value."""
        return cls(median(values), min(values), max(values))


def percentile(values: Sequence[float], share: float) -> float:
    """The nearest-rank percentile: the smallest value that `share` of all do not exceed."""
    ordered = sorted(values)
    return ordered[max(math.ceil(share * len(ordered)), 1) - 1]


def milliseconds(seconds: Sequence[float]) -> dict[str, float]:
    """`p50` and `p99` of times."""
    return {"p50": 1000 * percentile(seconds, 0.5), "p99": 1000 * percentile(seconds, 0.99)}


def efficiency(*, items: int, seconds: float, slots: int, wall: float) -> float:
    """How near the wall time came to the ideal, in per cent.

    Ideal: the fullest slot runs its items back to back and nothing else costs anything.
    """
    return 100 * math.ceil(items / slots) * seconds / wall
