"""What is measured, and how two sides compare. Pure arithmetic, no I/O."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Figure:
    """One number that a workload yields. `{n}` in the title is how many items the Hive ran."""

    key: str
    title: str
    unit: str
    more_is_better: bool = False
    floor: float | None = None

    def meets(self, value: float) -> bool | None:
        """Whether the value is at or beyond the floor; None if there is none."""
        if self.floor is None:
            return None
        return value >= self.floor if self.more_is_better else value < self.floor

    def ratio(self, *, hive: float, rival: float) -> float | None:
        """How many times better the Hive is; None if that cannot be said."""
        better, worse = (hive, rival) if self.more_is_better else (rival, hive)
        return better / worse if better > 0 and worse > 0 else None


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


def efficiency(*, items: int, seconds: float, slots: int, wall: float) -> float:
    """How near the wall time came to the ideal, in per cent.

    Ideal: the fullest slot runs its items back to back and nothing else costs anything.
    """
    return 100 * math.ceil(items / slots) * seconds / wall
