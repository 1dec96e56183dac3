"""What is kept from one plan to the next is what anew would be drawn."""

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.domain.flight import Flight
from jobs.survey import Survey
from nodes.domain.placement import Demand
from nodes.domain.scoring import Weights
from nodes.domain.states import Intent, NodeState
from tests.jobs.cast import FIRST, bundle, line, ready, roster, seat
from tests.jobs.desk import Desk, where


def survey(flight: Flight) -> Survey:
    return Survey(flight, weights=Weights(), random=Random(1))


def drawn(mine: Survey, nodes) -> dict:
    pool = mine.pool(nodes)
    return {each.name: pool[each.name] for each in nodes.candidates()}


NODES = ("a", "b", "c", "d")
EVENTS = st.lists(
    st.tuples(st.sampled_from(("send", "end", "beat", "drain", "join", "move")), st.integers(0, 3)),
    max_size=30,
)


@settings(deadline=None, max_examples=60)
@given(events=EVENTS)
def test_it_is_what_it_would_be_if_it_were_drawn_anew(events):
    flight, sent = Flight(), []
    nodes = roster(*(seat(name, slots=2, host=f"host-{name in 'ab'}", gpus=1) for name in NODES))
    kept = survey(flight)
    kept.pool(nodes)

    for number, (what, which) in enumerate(events):
        name = NODES[which]
        if what == "send":
            item = ready(number)
            sent.append(
                bundle(item, node=name, first=FIRST + number, memory_mb=100 * which, gpus=())
            )
            flight.add(sent[-1])
        elif what == "end" and sent:
            flight.close(sent.pop(which % len(sent)).first)
        elif what == "beat":
            mine = nodes[name]
            mine.hear(replace(mine.beat, cpu=number / 40, memory=0.0), at_ms=number)
        elif what == "drain":
            nodes[name].intent = Intent.DRAIN if number % 2 else Intent.WORK
        elif what == "join":
            nodes.add(seat(f"late-{which}"))
        else:
            nodes[name].hear(replace(nodes[name].beat, host=f"host-{number}"), at_ms=number)
        if number % 3:
            now = drawn(kept, nodes)

            anew = drawn(survey(flight), nodes)
            # What it faded to is the mean of when it was heard.
            assert {n: replace(c, cpu=0.0) for n, c in now.items()} == {
                n: replace(c, cpu=0.0) for n, c in anew.items()
            }
            assert kept.pool(nodes).slots == sum(each.slots for each in anew.values())


def test_a_slot_that_became_free_is_given_work_by_the_next_plan():
    desk, nodes = Desk(line(items=20, task="long"), long=5.0), roster(nodes=3, slots=2)
    first = desk.plan(nodes)

    desk.finish(first[2])
    then = desk.plan(nodes)

    assert (len(first), where(then)) == (6, {first[2].node: 1})


def test_the_better_node_is_chosen_after_it_got_better():
    desk, nodes = Desk(line(items=20, task="long"), long=5.0), roster(nodes=2, slots=4)
    nodes["spore-1"].hear(replace(nodes["spore-1"].beat, cpu=1.0), at_ms=1)
    desk.plan(roster(seat("elsewhere")))
    for _ in range(2):
        desk.survey = desk.planner.survey(nodes)
    nodes["spore-1"].hear(replace(nodes["spore-1"].beat, cpu=0.0), at_ms=2)
    nodes["spore-2"].hear(replace(nodes["spore-2"].beat, cpu=1.0), at_ms=2)

    chosen = desk.planner.survey(nodes).choose(Demand())

    assert chosen.node == "spore-1"


@pytest.mark.parametrize("state", [NodeState.LOST, NodeState.SUSPECT, NodeState.DRAINING])
def test_a_node_that_may_be_given_nothing_any_more_is_given_nothing(state):
    desk, nodes = Desk(line(items=20, task="long"), long=5.0), roster(nodes=2, slots=1)
    for sent in desk.plan(nodes):
        desk.finish(sent)
    nodes["spore-1"].state = state

    assert where(desk.plan(nodes)) == {"spore-2": 1}


def test_what_was_kept_for_large_work_is_free_for_the_next_plan():
    large = line("large", items=1, task="large", priority=9, demand=Demand(memory_mb=4000))
    desk, nodes = Desk(large, line("small", items=9, task="small")), roster(seat(slots=4))
    holder = bundle(ready(99), memory_mb=1000, first=FIRST + 999)
    desk.flight.add(holder)
    desk.plan(nodes)
    desk.backlog.close("large")

    assert desk.planner.survey(nodes)["spore-1"].kept_mb == 0


def test_memory_stays_promised_if_plain_work_follows_to_the_same_node_in_the_same_plan():
    large = line("large", items=1, task="large", priority=9, demand=Demand(memory_mb=1500))
    desk, nodes = Desk(large, line("plain", items=1, task="plain")), roster(seat(slots=4))
    desk.plan(nodes)

    desk.planner.count_flight(nodes)

    assert (nodes["spore-1"].in_flight, nodes["spore-1"].promised_mb) == (2, 1500)
