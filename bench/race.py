"""Runs the workloads on both sides in turn, so that both see the same weather."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from bench.contenders import Contender, Incomplete
from bench.figures import Figure, Spread
from bench.workloads import Workload


@dataclass(frozen=True, slots=True)
class Line:
    """One figure of both sides; None for a side that has none."""

    workload: str
    title: str
    figure: Figure
    hive: Spread | None
    rq: Spread | None

    @property
    def ratio(self) -> float | None:
        """How many times better the Hive is."""
        if self.hive is None or self.rq is None:
            return None
        return self.figure.ratio(hive=self.hive.median, rival=self.rq.median)

    @property
    def meets(self) -> bool | None:
        """Whether the Hive is beyond the floor; None without a floor or a value."""
        return self.figure.meets(self.hive.median) if self.hive else None


@dataclass(slots=True)
class Outcome:
    """What came of a run. `failures` says which workloads did not complete, and why."""

    lines: list[Line] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


def race(
    workloads: Sequence[Workload],
    contenders: Sequence[Contender],
    *,
    repeats: int,
    quick: bool,
    say: Callable[[str], None],
) -> Outcome:
    """Run each workload `repeats` times on each side. One that fails does not stop the others."""
    outcome = Outcome()
    for workload in workloads:
        values: dict[str, list[dict[str, float]]] = {c.name: [] for c in contenders}
        for repeat in range(1, repeats + 1):
            say(f"{workload.name} {repeat}/{repeats}")
            for contender in contenders:
                count = workload.count(contender.name, quick=quick)
                if not count:
                    continue
                try:
                    values[contender.name].append(dict(workload.run(contender, count)))
                except Incomplete as fact:
                    outcome.failures.append(f"{workload.name}: {fact}")
        outcome.lines += _lines(workload, values, quick=quick)
    return outcome


def _lines(
    workload: Workload, values: dict[str, list[dict[str, float]]], *, quick: bool
) -> list[Line]:
    def spread(side: str, figure: Figure) -> Spread | None:
        rows = [row[figure.key] for row in values.get(side, [])]
        return Spread.of(rows) if rows else None

    return [
        Line(
            workload=workload.name,
            title=figure.title.format(n=workload.count("hive", quick=quick)),
            figure=figure,
            hive=spread("hive", figure),
            rq=spread("rq", figure),
        )
        for figure in workload.figures
    ]
