"""Runs the heats: every side has its turn in each repeat, so that all see the same weather."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import product

from bench.contenders import Contender
from bench.figures import Figure, Spread, Verdict
from bench.workload import Heat, Workload
from hive_site.kernel.errors import HiveError

#: What each side measured: its values in each repeat, by the figures' keys.
Values = Mapping[str, Sequence[Mapping[str, float]]]


@dataclass(frozen=True, slots=True)
class Line:
    """One figure of all sides that have it, by their names, and how many items each ran."""

    workload: str
    title: str
    figure: Figure
    sides: Mapping[str, Spread]
    counts: Mapping[str, int]

    @property
    def verdict(self) -> Verdict | None:
        """How far the Hive came; None without a bound or a value."""
        return self.figure.judge(self.sides["hive"].median) if "hive" in self.sides else None

    def ratios(self) -> dict[str, float]:
        """How many times better the Hive is than each peer, where that can be said."""
        if "hive" not in self.sides:
            return {}
        hive = self.sides["hive"].median
        found = {
            name: self.figure.ratio(hive=hive, rival=spread.median)
            for name, spread in self.sides.items()
            if name != "hive"
        }
        return {name: ratio for name, ratio in found.items() if ratio is not None}

    def best_peer(self) -> str | None:
        """The peer with the best median; None if no peer has this figure."""
        return self.figure.best({n: s.median for n, s in self.sides.items() if n != "hive"})


@dataclass(slots=True)
class Outcome:
    """What came of a run. `failures` says what did not complete, and why."""

    lines: list[Line] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Turn:
    """All that one side runs of one heat, once."""

    contender: Contender
    heat: Heat
    quick: bool
    say: Callable[[str], None]

    def take(self, failures: list[str]) -> Iterator[tuple[str, Mapping[str, float]]]:
        """What each workload measured, by its name; what failed goes to the failures."""
        side = self.contender
        counts = [(w, w.count(side, quick=self.quick)) for w in self.heat.workloads]
        wanted = [(workload, count) for workload, count in counts if count]
        if not wanted:
            return
        self.say(f"{side.title}: starting")
        try:
            with side.turn(self.heat.setting):
                for workload, count in wanted:
                    self.say(f"{side.title}: {workload.name}")
                    try:
                        yield workload.name, workload.run(side, count)
                    except HiveError as fact:
                        failures.append(f"{workload.name}: {fact}")
        except HiveError as fact:
            failures.append(f"{side.title}: {fact}")


def race(
    heats: Sequence[Heat],
    contenders: Sequence[Contender],
    *,
    repeats: int,
    quick: bool,
    say: Callable[[str], None],
) -> Outcome:
    """Run each heat `repeats` times on each side. What fails does not stop the others."""
    outcome = Outcome()
    for heat in heats:
        values: dict[tuple[str, str], list[Mapping[str, float]]] = defaultdict(list)
        for repeat, contender in product(range(1, repeats + 1), contenders):
            turn = Turn(contender, heat, quick, partial(_say_which, say, f"{repeat}/{repeats}"))
            for name, found in turn.take(outcome.failures):
                values[name, contender.name].append(found)
        for workload in heat.workloads:
            rows = {c.name: values[workload.name, c.name] for c in contenders}
            counts = {c.name: workload.count(c, quick=quick) for c in contenders}
            outcome.lines += _lines(workload, rows, counts)
    return outcome


def _say_which(say: Callable[[str], None], which: str, text: str) -> None:
    say(f"{text} ({which})")


def _lines(workload: Workload, values: Values, counts: Mapping[str, int]) -> list[Line]:
    return [
        Line(
            workload=workload.name,
            title=figure.title.format(n=counts.get("hive", 0)),
            figure=figure,
            sides={
                name: Spread.of([row[figure.key] for row in rows])
                for name, rows in values.items()
                if rows
            },
            counts={name: count for name, count in counts.items() if count},
        )
        for figure in workload.figures
    ]
