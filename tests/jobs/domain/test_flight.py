from dataclasses import dataclass

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from jobs.domain.flight import Flight
from tests.jobs.cast import FIRST, bundle, ready

NODES = ("spore-1", "spore-2", "spore-3")
JOBS = ("job_a", "job_b")
SUBTASKS = range(1, 13)


@dataclass(frozen=True)
class Row:
    """What the naive model knows of one open attempt."""

    attempt: int
    bundle: str
    node: str
    job: str
    subtask: int


class Voyage(RuleBasedStateMachine):
    """A flight agrees with a plain list of the attempts that are open."""

    @initialize()
    def begin(self):
        self.flight, self.rows, self.next = Flight(), [], FIRST

    @rule(
        node=st.sampled_from(NODES),
        job=st.sampled_from(JOBS),
        subtasks=st.lists(st.sampled_from(SUBTASKS), min_size=1, max_size=5),
    )
    def send(self, node, job, subtasks):
        sent = bundle(*(ready(n) for n in subtasks), node=node, job=job, first=self.next)
        self.flight.add(sent)
        for attempt, subtask in enumerate(subtasks, start=self.next):
            self.rows.append(Row(attempt, sent.id, node, job, subtask))
        self.next += len(subtasks)

    @rule(back=st.integers(0, 40))
    def close(self, back):
        attempt = self.next - back
        row = next((row for row in self.rows if row.attempt == attempt), None)

        closed = self.flight.close(attempt)

        assert (closed and closed.subtask) == (row and row.subtask)
        self.rows = [row for row in self.rows if row.attempt != attempt]

    @invariant()
    def counts_agree(self):
        assert len(self.flight) == len(self.rows)
        for node in NODES:
            bundles = {row.bundle for row in self.rows if row.node == node}
            assert [sent.id for sent in self.flight.on(node)] == sorted(bundles)
        for job in JOBS:
            bundles = {row.bundle for row in self.rows if row.job == job}
            assert {sent.id for sent in self.flight.of_job(job)} == bundles
        assert {sent.id for sent in self.flight} == {row.bundle for row in self.rows}

    @invariant()
    def every_attempt_is_found_on_its_node_only(self):
        for row in self.rows:
            sent, item = self.flight.find(row.attempt, row.node, "born-1")
            assert (sent.id, item.subtask) == (row.bundle, row.subtask)
            assert self.flight.of_attempt(row.attempt) is self.flight.bundle(row.bundle) is sent
            assert self.flight.find(row.attempt, row.node, "born-2") is None
            others = [node for node in NODES if node != row.node]
            assert all(self.flight.find(row.attempt, n, "born-1") is None for n in others)

    @invariant()
    def a_subtask_is_held_while_any_attempt_of_it_is_open(self):
        held = {row.subtask for row in self.rows}
        assert {n for n in SUBTASKS if self.flight.holds(n)} == held
        for subtask in SUBTASKS:
            copies = {row.attempt for row in self.rows if row.subtask == subtask}
            assert self.flight.copies(subtask) == copies

    @invariant()
    def the_nodes_are_those_that_have_something(self):
        assert set(self.flight.nodes()) == {row.node for row in self.rows}


TestVoyage = Voyage.TestCase


def test_what_was_never_sent_is_not_found():
    flight = Flight()

    assert flight.find(FIRST, "spore-1", "born-1") is None
    assert flight.bundle("spore-1-1") is None
    assert flight.close(FIRST) is None
    assert flight.on("spore-1") == []
    assert flight.nodes() == []


def test_a_bundle_of_which_some_came_back_before_counts_only_the_rest():
    flight = Flight()
    flight.add(bundle(items=[], open={FIRST + 3: ready(4)}))

    assert len(flight) == 1
    assert flight.holds(4)
    assert flight.close(FIRST + 3) == ready(4)
    assert flight.bundle(f"spore-1-{FIRST:x}") is None


def test_bundles_may_be_closed_while_one_looks_through_them():
    flight = Flight()
    for n in range(3):
        flight.add(bundle(ready(n), first=FIRST + n))

    for sent in flight:
        flight.close(sent.first)

    assert len(flight) == 0
