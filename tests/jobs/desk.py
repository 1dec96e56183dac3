"""A planner at its desk: memory only, with what the pace of each task is."""

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime
from random import Random

from jobs.domain.backlog import Backlog, Line
from jobs.domain.bundles import Pace
from jobs.domain.flight import Flight, Sent
from jobs.domain.limits import Limiter
from jobs.planner import Planner
from nodes.domain.scoring import Weights
from nodes.roster import Roster
from tests.jobs.cast import NOW


class Desk:
    """A planner with its memory. `paces` are seconds that an item of a task takes."""

    def __init__(
        self,
        *lines: Line,
        seed: int = 1,
        epoch: int = 1,
        refill: Callable[[Line], None] = lambda line: None,
        **paces: float,
    ) -> None:
        self.backlog, self.flight, self.pace = Backlog(), Flight(), Pace()
        for each in lines:
            self.backlog.open(each)
        for task, seconds in paces.items():
            self.pace.learn(task, seconds)
        self.limiter = Limiter(self.flight)
        self.planner = Planner(
            self.backlog,
            self.flight,
            self.pace,
            weights=Weights(),
            random=Random(seed),
            epoch=epoch,
            limiter=self.limiter,
            refill=refill,
        )

    def plan(self, nodes: Roster, now: datetime = NOW) -> list[Sent]:
        return [sent for sent, _ in self.planner.plan(nodes, now)]

    def finish(self, sent: Sent) -> None:
        """All of a bundle came back."""
        for attempt in list(sent.open):
            self.flight.close(attempt)
        owner = self.backlog.get(sent.job)
        owner.in_flight -= len(sent.items)
        owner.remaining -= len(sent.items)


def where(planned: Iterable[Sent]) -> Counter[str]:
    return Counter(sent.node for sent in planned)


def subtasks(planned: Iterable[Sent]) -> list[int]:
    return [item.subtask for sent in planned for item in sent.items]
