"""The end of a job on a cluster of which one node is slow: the real planner, memory and search for
stragglers on a simulated clock."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.domain.batch import Ending
from jobs.domain.bundles import Pace
from jobs.domain.states import Outcome
from jobs.memory import Memory
from jobs.planner import Planner
from jobs.stragglers import Stragglers
from nodes.domain.beats import Running
from nodes.domain.scoring import Weights
from tests.jobs.cast import line, roster

START, STEP, BEAT, LOOK = 1_900_000_000.0, 0.1, 2.0, 1.0
NEVER_ENDS = 600.0


class Cluster:
    """Ten nodes of two slots and one job whose items take about a second."""

    def __init__(self, *, items=100, slow=0, factor=1.0, idempotent=True, seed=1):
        self.random, self.now = Random(seed), START
        self.slow, self.factor = {f"spore-{n}" for n in range(1, slow + 1)}, factor
        self.roster = roster(nodes=10, slots=2)
        self.memory = Memory(None, None, self.random)
        pace = Pace()
        self.planner = Planner(
            self.memory.backlog,
            self.memory.flight,
            pace,
            weights=Weights(),
            random=self.random,
        )
        self.pace, self.stragglers = pace, Stragglers(self.memory, pace, self.planner)
        self.line = self.memory.backlog.open(line(items=items, idempotent=idempotent))
        self.ends: dict[int, float] = {}
        self.done: Counter[int] = Counter()
        self.copies: Counter[int] = Counter()

    def live(self):
        """Until the job has ended; how many seconds that took."""
        while self.line.remaining and self.now < START + NEVER_ENDS:
            self.now += STEP
            self.end_what_is_due()
            self.look_around()
            self.send()
        return self.now - START

    def send(self):
        for sent, _ in self.planner.plan(self.roster, self.when()):
            for attempt, ready in sent.open.items():
                assert len({self.node_of(a) for a in self.memory.flight.copies(ready.subtask)}) == (
                    len(self.memory.flight.copies(ready.subtask))
                ), "a copy runs beside the first"
                self.copies[ready.subtask] += 1
                took = self.random.uniform(0.7, 1.3)
                took *= self.factor if sent.node in self.slow else 1.0
                self.ends[attempt] = self.now + took

    def look_around(self):
        if self.every(BEAT):
            for seat in self.roster:
                sent = self.memory.flight.on(seat.name)
                running = tuple(Running(a, b.at) for b in sent for a in b.open)
                seat.hear(replace(seat.beat, running=running), at_ms=int(self.now * 1000))
        if self.every(LOOK):
            self.planner.count_flight(self.roster)
            self.stragglers.look(self.roster, self.when())

    def end_what_is_due(self):
        for attempt in sorted(a for a, at in self.ends.items() if at <= self.now):
            if (sent := self.memory.flight.of_attempt(attempt)) is None:
                continue
            ready = sent.open[attempt]
            self.done[ready.subtask] += 1
            took = self.ends.pop(attempt) - sent.at
            self.pace.learn("demo.echo", took)
            self.pace.sample("demo.echo", [took])
            self.memory.close(attempt, again=False)
            ending = Ending(attempt, ready, sent.job, sent.node, Outcome.SUCCEEDED)
            for rival in self.memory.decide(ending):  # its slot is told to stop
                self.memory.close(rival, again=False)

    def node_of(self, attempt):
        return self.memory.flight.of_attempt(attempt).node

    def when(self):
        return datetime.fromtimestamp(self.now, UTC)

    def every(self, seconds):
        return (self.now - START) % seconds < STEP


def test_a_slow_node_costs_little_of_the_whole():
    healthy, slow = Cluster().live(), Cluster(slow=1, factor=100).live()

    assert slow <= 2.5 * healthy


def test_without_copies_it_would_cost_all():
    assert Cluster(slow=1, factor=100, idempotent=False).live() > 60


def test_a_healthy_cluster_makes_no_copies():
    cluster = Cluster()

    cluster.live()

    assert (cluster.memory.copies, max(cluster.copies.values())) == (0, 1)


@settings(deadline=None, max_examples=25)
@given(
    items=st.integers(1, 60),
    slow=st.integers(0, 10),
    factor=st.sampled_from([1.0, 5.0, 50.0]),
    idempotent=st.booleans(),
    seed=st.integers(0, 99),
)
def test_every_item_ends_once_and_has_one_copy_at_most(items, slow, factor, idempotent, seed):
    cluster = Cluster(items=items, slow=slow, factor=factor, idempotent=idempotent, seed=seed)

    cluster.live()

    assert (len(cluster.done), set(cluster.done.values())) == (items, {1})
    assert max(cluster.copies.values()) <= (2 if idempotent else 1)
    assert len(cluster.memory.flight) == 0
    assert (cluster.line.doubled, cluster.line.decided, len(cluster.line.ready)) == (
        set(),
        set(),
        0,
    )
