"""What holds for every plan, up to a thousand nodes and a hundred thousand subtasks."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.planner import BUNDLES_AT_ONCE
from nodes.domain.placement import DEEPEST, Demand
from tests.jobs.cast import line, ready, roster, seat
from tests.jobs.desk import Desk, subtasks


def test_a_hundred_thousand_subtasks_pass_through_a_thousand_nodes_once_each():
    work = line(items=100_000, task="tiny")
    work.remaining = 1_000_000  # its window: the tail is not in sight yet
    desk, nodes, seen = Desk(work, tiny=0.00125), roster(nodes=1000), Counter()

    while (planned := desk.plan(nodes)) or len(desk.flight):
        assert len(planned) <= BUNDLES_AT_ONCE
        assert max(len(desk.flight.on(node.name)) for node in nodes) <= 2
        seen.update(subtasks(planned))
        for sent in list(desk.flight)[::2]:
            desk.finish(sent)

    assert len(seen) == 100_000
    assert set(seen.values()) == {1}


def test_a_plan_for_many_nodes_stops_before_the_lease_is_over_and_says_so():
    desk = Desk(line(items=BUNDLES_AT_ONCE + 1))
    nodes = roster(seat(slots=BUNDLES_AT_ONCE + 1))

    first = desk.plan(nodes)
    assert (len(first), desk.planner.goes_on) == (BUNDLES_AT_ONCE, True)
    second = desk.plan(nodes)

    assert (len(second), desk.planner.goes_on) == (1, False)


def test_attempts_of_two_epochs_are_never_the_same():
    old, new = Desk(line(items=100), epoch=7), Desk(line(items=100), epoch=8)

    first = {a for sent in old.plan(roster(nodes=100)) for a in sent.open}
    second = {a for sent in new.plan(roster(nodes=100)) for a in sent.open}

    assert len(first) == len(second) == 100
    assert max(first) < min(second)


SEATS = st.lists(st.tuples(st.integers(1, 4), st.integers(0, 2)), min_size=1, max_size=5)
LINES = st.lists(
    st.tuples(st.integers(1, 40), st.sampled_from([None, 0.001, 0.05, 3.0]), st.integers(0, 2)),
    min_size=1,
    max_size=4,
)


@settings(deadline=None)
@given(seats=SEATS, shapes=LINES, seed=st.integers(0, 99), data=st.data())
def test_every_bound_holds_in_every_cluster(seats, shapes, seed, data):
    nodes = roster(*(seat(f"n{i}", slots=s, gpus=g) for i, (s, g) in enumerate(seats)))
    desk = Desk(seed=seed)
    for number, (count, seconds, gpu) in enumerate(shapes):
        work = [ready(1000 * number + n) for n in range(count)]
        job = str(number)
        desk.backlog.open(line(job, items=work, task=job, alone=gpu > 0, demand=Demand(gpu=gpu)))
        if seconds:
            desk.pace.learn(job, seconds)
    sent_ever = []

    for _ in range(30):
        sent_ever += subtasks(desk.plan(nodes))
        for node in nodes:
            mine = desk.flight.on(node.name)
            leased = [gpu for sent in mine for gpu in sent.gpus]
            assert len(leased) == len(set(leased)) <= len(node.beat.gpus)
            tiny = any(seconds == 0.001 for _, seconds, _ in shapes)
            assert len(mine) <= node.beat.slots * (1 + (DEEPEST if tiny else 1))
        ends = data.draw(st.lists(st.booleans(), max_size=len(list(desk.flight))))
        for sent, over in zip(desk.flight, ends, strict=False):
            if over:
                desk.finish(sent)

    assert len(sent_ever) == len(set(sent_ever))
