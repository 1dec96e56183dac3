"""What a workload is: something to run on a side, and the figures that come of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from bench.contenders import USUAL, Contender, Setting
from bench.figures import Figure

#: Runs one workload of so many items; the values by the figures' keys.
Run = Callable[[Contender, int], Mapping[str, float]]


@dataclass(frozen=True, slots=True)
class Workload:
    """One thing to measure. The counts are items, or seconds or rounds where there are none."""

    name: str
    run: Run
    figures: tuple[Figure, ...]
    hive: int
    quick: int
    #: How much a peer runs; 0 where peers have no such thing.
    peers: int = 0
    #: Some peers run another number: less where they are slow.
    instead: Mapping[str, int] = field(default_factory=dict)

    def count(self, contender: Contender, *, quick: bool) -> int:
        """How many items that side runs; 0 if it does not take part."""
        if not contender.takes(self.name):
            return 0
        usual = self.hive if contender.name == "hive" else self.peers
        full = self.instead.get(contender.name, usual)
        return min(full, self.quick) if quick else full


@dataclass(frozen=True, slots=True)
class Heat:
    """Workloads that a side runs one after the other in one turn."""

    workloads: tuple[Workload, ...]
    setting: Setting = USUAL


def timed(
    title: str,
    *,
    goals: tuple[float | None, float | None] = (None, None),
    floors: tuple[float | None, float | None] = (None, None),
) -> tuple[Figure, ...]:
    """Milliseconds: the median and the 99th percentile, with a goal and a floor for each."""
    bounds = zip(("p50", "p99"), goals, floors, strict=True)
    return tuple(Figure(p, f"{title}, {p}", "ms", goal=g, floor=f) for p, g, f in bounds)


def rate(title: str, unit: str, *, goal: float | None = None, floor: float | None = None) -> Figure:
    """So many a second."""
    return Figure("rate", title, unit, more_is_better=True, goal=goal, floor=floor)


def of_ideal(title: str, *, goal: float | None = None, floor: float | None = None) -> Figure:
    """So many per cent of what the slots could do."""
    return Figure("efficiency", title, "% of ideal", more_is_better=True, goal=goal, floor=floor)
