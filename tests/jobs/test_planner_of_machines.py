"""Plans for nodes that share a machine, and for memory that is asked for and taken later."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nodes.domain.placement import Demand, Gpu
from nodes.domain.states import NodeState
from tests.jobs.cast import NOW, line, ready, roster, seat
from tests.jobs.desk import Desk, where

LATER = NOW + timedelta(minutes=1)


def big(items=9, **demand):
    """Work whose items each ask for memory."""
    return line("big", items=items, task="big", demand=Demand(memory_mb=9000, **demand))


def rig(name, *uuids):
    """A Spore on the one machine, whose devices it numbers from 0."""
    made = seat(name, slots=4, host="box", free_memory_mb=16_000)
    made.beat = replace(
        made.beat, gpus=tuple(Gpu(n, "gpu", 8192, 8192, uuid) for n, uuid in enumerate(uuids))
    )
    return made


def hear(node, *, free, held):
    """A heartbeat that says what is free, and what attempts hold."""
    beat = replace(node.beat, free_memory_mb=free, held_mb=held)
    node.hear(beat, at_ms=node.seen_ms + 2000)


def devices(nodes, planned):
    """What was leased, by what the devices are called on their machine."""
    gpus = {(node.name, gpu.index): gpu.device for node in nodes for gpu in node.beat.gpus}
    return sorted(gpus[sent.node, gpu] for sent in planned for gpu in sent.gpus)


def test_a_device_that_two_nodes_offer_is_leased_once():
    work = line(items=9, alone=True, demand=Demand(gpu=1))
    desk, nodes = Desk(work), roster(rig("a", "GPU-x", "GPU-y"), rig("b", "GPU-x", "GPU-y"))

    planned = desk.plan(nodes)

    assert devices(nodes, planned) == ["GPU-x", "GPU-y"]
    assert desk.plan(nodes) == []
    desk.finish(planned[0])
    assert devices(nodes, desk.plan(nodes)) == devices(nodes, planned[:1])


def test_devices_are_told_apart_by_what_they_are_and_not_by_their_numbers():
    work = line(items=9, alone=True, demand=Demand(gpu=1))
    nodes = roster(rig("a", "GPU-x"), rig("b", "GPU-y", "GPU-x"))

    assert devices(nodes, Desk(work).plan(nodes)) == ["GPU-x", "GPU-y"]


def test_devices_without_a_name_are_told_apart_by_their_numbers():
    work = line(items=9, alone=True, demand=Demand(gpu=2))
    nodes = roster(rig("a", "", ""), rig("b", "", ""))

    assert devices(nodes, Desk(work).plan(nodes)) == ["0", "1"]


def test_nodes_that_do_not_name_their_machine_lease_their_own_devices():
    desk = Desk(line(items=9, alone=True, demand=Demand(gpu=1)))

    assert where(desk.plan(roster(seat("a", gpus=1), seat("b", gpus=1)))) == {"a": 1, "b": 1}


def test_a_device_that_another_node_uses_is_judged_by_what_it_had_free_before():
    work = line(items=1, alone=True, demand=Demand(gpu=1))
    desk, nodes = Desk(work), roster(rig("a", "GPU-x"), rig("b", "GPU-x"))
    for node in nodes:
        node.hear(node.beat, at_ms=1000)
    [sent] = desk.plan(nodes)
    for node in nodes:
        full = replace(node.beat.gpus[0], free_mb=10)
        node.hear(replace(node.beat, gpus=(full,)), at_ms=2000)

    desk.finish(sent)
    desk.backlog.open(line("next", alone=True, items=1, demand=Demand(gpu=1, gpu_memory_mb=8000)))

    assert len(desk.plan(nodes)) == 1


def test_memory_that_two_nodes_offer_is_promised_once():
    desk, nodes = Desk(big()), roster(rig("a"), rig("b"))

    assert len(desk.plan(nodes)) == 1
    assert desk.plan(nodes) == []


@pytest.mark.parametrize("state", [NodeState.DRAINING, NodeState.SUSPECT])
def test_what_runs_on_a_node_that_takes_no_more_work_still_uses_its_machine(state):
    desk, nodes = Desk(big()), roster(rig("a"))
    desk.plan(nodes)
    nodes["a"].state = state
    nodes.add(rig("b"))

    assert desk.plan(nodes) == []


def test_memory_that_was_promised_is_kept_however_late_it_is_taken():
    desk, nodes = Desk(big()), roster(seat(slots=4, free_memory_mb=16_000))
    [sent] = desk.plan(nodes)

    hear(nodes["spore-1"], free=15_900, held={sent.first: 60})

    assert desk.plan(nodes, LATER) == []


def test_memory_that_was_taken_is_not_counted_twice():
    desk, nodes = Desk(big()), roster(seat(slots=4, free_memory_mb=20_000))
    first, second = desk.plan(nodes)

    hear(nodes["spore-1"], free=11_500, held={first.first: 8500})
    assert desk.plan(nodes, LATER) == []
    desk.finish(second)

    assert len(desk.plan(nodes, LATER)) == 1


def test_what_an_attempt_holds_beyond_its_promise_makes_up_for_nobody_else():
    desk, nodes = Desk(big()), roster(seat(slots=4, free_memory_mb=28_000))
    first, _, third = desk.plan(nodes)
    desk.finish(third)

    hear(nodes["spore-1"], free=16_000, held={first.first: 12_000})

    assert desk.plan(nodes, LATER) == []


def test_a_node_cannot_speak_for_the_work_of_another():
    desk, nodes = Desk(big()), roster(rig("a"), rig("b"))
    [sent] = desk.plan(nodes)
    [other] = {"a", "b"} - {sent.node}

    hear(nodes[other], free=16_000, held={sent.first: 9000, 77: 9000})

    assert desk.plan(nodes, LATER) == []


SPORES = st.lists(st.lists(st.sampled_from("xyz"), unique=True), min_size=1, max_size=4)


@settings(deadline=None)
@given(spores=SPORES, wants=st.lists(st.integers(0, 2), min_size=1, max_size=4), data=st.data())
def test_no_machine_is_promised_more_than_it_has(spores, wants, data):
    nodes = roster(*(rig(f"n{n}", *uuids) for n, uuids in enumerate(spores)))
    desk = Desk()
    for n, gpu in enumerate(wants):
        work = [ready(100 * n + k) for k in range(20)]
        demand = Demand(gpu=gpu, memory_mb=0 if gpu else 5000)
        desk.backlog.open(line(f"{n}", items=work, alone=gpu > 0, demand=demand))

    for _ in range(20):
        desk.plan(nodes)
        leased = devices(nodes, desk.flight)
        assert len(leased) == len(set(leased))
        assert sum(sent.memory_mb for sent in desk.flight) <= 16_000
        ends = data.draw(st.lists(st.booleans(), max_size=len(list(desk.flight))))
        for sent, over in zip(desk.flight, ends, strict=False):
            if over:
                desk.finish(sent)


def test_memory_that_was_promised_stays_so_when_small_work_goes_there_too():
    desk = Desk(big(), line("small", items=1, task="small"))
    nodes = roster(seat(slots=4, free_memory_mb=16_000))

    sent = [*desk.plan(nodes), *desk.plan(nodes)]

    assert sorted(each.task for each in sent) == ["big", "small"]
