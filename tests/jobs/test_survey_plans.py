"""What is kept from plan to plan never shows in a plan."""

from dataclasses import replace
from random import Random

from hypothesis import example, given, settings
from hypothesis import strategies as st

from jobs.domain.flight import Sent
from jobs.survey import Survey
from nodes.domain.placement import Demand
from nodes.domain.scoring import Weights
from nodes.domain.states import Intent, NodeState
from tests.jobs.cast import line, ready, roster, seat
from tests.jobs.desk import Desk

PACES = {"tiny": 2.0**-20, "short": 0.0625, "long": 5.0}
NEEDS = (Demand(), Demand(), Demand(memory_mb=1500), Demand(gpu=1), Demand(labels=(("x", "y"),)))
WHAT = ("open", "finish", "finish", "finish", "beat", "drain", "lose", "join", "move", "drop")
EVENTS = st.lists(st.tuples(st.sampled_from(WHAT), st.integers(0, 23)), min_size=5, max_size=40)


class Best(Random):
    """No chance: the best of near-equals is chosen."""

    def randrange(self, *args: int, **options: int) -> int:
        return 0


class Office:
    """A planner with its cluster, to which things happen."""

    def __init__(self) -> None:
        self.nodes = roster(
            *(
                seat(f"n{n}", slots=2 ** (n % 3), gpus=n % 2, host=f"host-{n // 2}")
                for n in range(6)
            )
        )
        # What loads fade to is the mean of when their node was drawn, which is not the same.
        self.nodes.means = lambda: (0.0, 0.0)
        self.desk = Desk(**PACES)
        self.forget()

    def forget(self) -> None:
        self.desk.planner._survey = Survey(self.desk.flight, weights=Weights(), random=Best())

    def happen(self, number: int, what: str, which: int) -> None:
        seats, flying = list(self.nodes), list(self.desk.flight)
        mine = seats[which % len(seats)]
        match what:
            case "open":
                self._open(number, which)
            case "finish" if flying:
                for sent in flying[which % len(flying) :: 3]:
                    self.desk.finish(sent)
            case "beat":
                mine.hear(replace(mine.beat, cpu=which / 32), at_ms=number)
            case "drain":
                mine.intent = Intent.DRAIN if mine.intent is Intent.WORK else Intent.WORK
            case "lose":
                lost = mine.state is NodeState.LOST
                mine.state = NodeState.ONLINE if lost else NodeState.LOST
            case "join":
                self.nodes.add(seat(f"late-{which}", slots=2))
            case "move":
                mine.hear(replace(mine.beat, host=f"host-{which % 4}"), at_ms=number)
            case "drop" if len(seats) > 2 and not self.desk.flight.on(mine.name):
                self.nodes.drop(mine.name)

    def _open(self, number: int, which: int) -> None:
        demand, task = NEEDS[which % len(NEEDS)], [*PACES, "unknown"][which % 4]
        work = [ready(1000 * number + n) for n in range(1 + which)]
        fields = {"task": task, "demand": demand, "priority": which % 3, "alone": demand.gpu > 0}
        self.desk.backlog.open(line(f"job-{number}", items=work, **fields))

    def plan(self) -> list[tuple[object, ...]]:
        return [_shown(sent) for sent in self.desk.plan(self.nodes)]


def _shown(sent: Sent) -> tuple[object, ...]:
    return sent.node, tuple(sent.subtasks), sent.gpus, sent.short, sent.placed


@settings(deadline=None, max_examples=100)
@given(events=EVENTS)
@example(events=[("finish", 0), ("finish", 1), ("open", 0), ("move", 10), ("open", 0)])
def test_a_plan_does_not_depend_on_what_was_kept_of_the_ones_before(events):
    keeps, forgets = Office(), Office()

    for number, (what, which) in enumerate([("open", 7), ("open", 12), *events]):
        for office in (keeps, forgets):
            office.happen(number, what, which)
        forgets.forget()
        assert keeps.plan() == forgets.plan()
