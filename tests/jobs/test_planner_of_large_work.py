"""Work that needs much of a machine at once finds its place beside a stream of smaller work."""

from dataclasses import replace
from datetime import timedelta

import pytest

from nodes.domain.placement import Demand
from tests.jobs.cast import NOW, line, roster, seat
from tests.jobs.desk import Desk, where

SMALL_GPU, LARGE_GPU = Demand(gpu=1), Demand(gpu=4)
SMALL_MEMORY, LARGE_MEMORY = Demand(memory_mb=2000), Demand(memory_mb=12_000)
DEMANDS = [(SMALL_GPU, LARGE_GPU), (SMALL_MEMORY, LARGE_MEMORY)]


def rigs(*names, **fields):
    about = {"slots": 8, "gpus": 4, "free_memory_mb": 16_000}
    return roster(*(seat(name, **{**about, **fields}) for name in names))


def stream(demand, **fields):
    """Small work without an end."""
    return line("small", items=9999, task="small", alone=True, demand=demand, **fields)


def large(demand, job="large", items=1, **fields):
    return line(job, items=items, task=job, alone=True, demand=demand, **fields)


def beside_a_stream(small, wanted, nodes, **fields):
    """A cluster that is full of small work when the large work comes."""
    desk = Desk(stream(small))
    desk.plan(nodes)
    desk.backlog.open(large(wanted, **fields))
    return desk


def rounds(desk, nodes, *, job="large", most=40):
    """Finish the oldest bundle and plan again until the job is served; the bundles of each plan,
    and whether the job came to its turn."""
    plans = []
    for _ in range(most):
        plans.append(desk.plan(nodes))
        if any(sent.job == job for sent in plans[-1]):
            return plans, True
        desk.finish(min(desk.flight, key=lambda sent: sent.first))
    return plans, False


@pytest.mark.parametrize(("small", "wanted"), DEMANDS)
@pytest.mark.parametrize("priority", [5, 10])
def test_it_is_placed_as_soon_as_enough_has_ended(small, wanted, priority):
    nodes = rigs("rig")
    desk = beside_a_stream(small, wanted, nodes, priority=priority)

    plans, served = rounds(desk, nodes)

    assert served
    assert len(plans) <= 7


@pytest.mark.parametrize(("small", "wanted"), DEMANDS)
def test_one_machine_makes_room_for_it_and_the_others_go_on(small, wanted):
    nodes = rigs("a", "b", "c")
    desk = beside_a_stream(small, wanted, nodes)

    plans, served = rounds(desk, nodes)

    assert served
    sent = [sent for plan in plans for sent in plan]
    [place] = {sent.node for sent in sent if sent.job == "large"}
    others = where(sent for sent in sent if sent.job == "small")
    assert others.keys() == {"a", "b", "c"} - {place}


def test_work_that_comes_before_it_is_not_held_up():
    nodes = rigs("rig")
    desk = beside_a_stream(SMALL_GPU, LARGE_GPU, nodes, priority=4)

    plans, served = rounds(desk, nodes)

    assert not served
    assert all(len(plan) == 1 for plan in plans[1:])


def test_work_that_does_not_need_what_is_kept_goes_on():
    nodes = rigs("rig")
    desk = beside_a_stream(SMALL_GPU, LARGE_GPU, nodes, priority=10)
    desk.backlog.open(line("plain", items=2, task="plain", demand=Demand(memory_mb=10)))

    assert where(desk.plan(nodes)) == {"rig": 2}


def test_nothing_is_kept_where_no_end_of_ours_would_make_room():
    nodes = rigs("rig", free_memory_mb=8000)  # the rest is not ours
    desk = beside_a_stream(SMALL_MEMORY, LARGE_MEMORY, nodes, priority=10)

    plans, served = rounds(desk, nodes)

    assert not served
    assert all(len(plan) == 1 for plan in plans[1:])


def test_no_devices_are_kept_where_others_use_their_memory():
    nodes = rigs("rig")
    nodes["rig"].beat = replace(
        nodes["rig"].beat, gpus=tuple(replace(g, free_mb=9) for g in nodes["rig"].beat.gpus)
    )
    desk = beside_a_stream(SMALL_GPU, Demand(gpu=4, gpu_memory_mb=8000), nodes, priority=10)

    plans, _ = rounds(desk, nodes)

    assert all(len(plan) == 1 for plan in plans[1:])


def test_a_node_that_drains_is_not_given_up_for_another():
    nodes = rigs("a", "b")
    desk = beside_a_stream(SMALL_GPU, LARGE_GPU, nodes)
    desk.plan(nodes)
    for sent in [s for s in desk.flight if s.node == "b"][:2]:
        desk.finish(sent)
    assert desk.plan(nodes) == []

    desk.finish(next(s for s in desk.flight if s.node == "a"))

    assert where(desk.plan(nodes)) == {"a": 1}


def test_two_that_wait_empty_one_machine_after_the_other():
    nodes = rigs("a", "b")
    desk = beside_a_stream(SMALL_GPU, LARGE_GPU, nodes)
    desk.backlog.open(large(Demand(gpu=3), job="other"))

    plans, _ = rounds(desk, nodes)
    later, served = rounds(desk, nodes, job="other")

    assert served
    assert any(sent.job == "small" for plan in plans[1:] for sent in plan)
    assert len(plans) + len(later) < 20


def test_it_also_waits_for_what_other_nodes_of_its_machine_use():
    nodes = rigs("a", "b", host="box")
    desk = beside_a_stream(SMALL_GPU, LARGE_GPU, nodes, priority=10)

    plans, served = rounds(desk, nodes)

    assert served
    assert len(plans) <= 5


def test_nodes_of_other_devices_on_its_machine_go_on():
    nodes = rigs("a", host="box")
    other = seat("b", slots=8, host="box", free_memory_mb=16_000)
    card = replace(nodes["a"].beat.gpus[0], index=7)
    other.beat = replace(other.beat, gpus=(card,))
    nodes.add(other)
    desk = beside_a_stream(SMALL_GPU, LARGE_GPU, nodes, priority=10)

    plans, served = rounds(desk, nodes)

    assert served
    assert {sent.node for plan in plans for sent in plan if sent.job == "small"} <= {"b"}


def test_who_waits_hears_what_it_lacks_and_who_is_held_up_hears_for_whom():
    nodes = rigs("rig")
    desk = beside_a_stream(SMALL_GPU, LARGE_GPU, nodes, priority=10)
    desk.finish(next(iter(desk.flight)))

    desk.plan(nodes, NOW + timedelta(seconds=1))

    told = [desk.backlog.get(job).awaiting_room for job in ("large", "small")]
    assert told == [
        "every node that fits is busy (1 node: 1 has 1 of 4 GPUs free)",
        "every node that fits is busy (1 node: 1 keeps what is free for larger work)",
    ]


def test_memory_that_it_will_not_take_is_given_to_others_while_it_waits_for_a_device():
    nodes = roster(seat("rig", slots=64, gpus=1, free_memory_mb=200_000))
    modest = Demand(memory_mb=100)
    desk = Desk(large(Demand(gpu=1, memory_mb=4000), "gpu", items=9, priority=6), stream(modest))

    planned = desk.plan(nodes)

    jobs = [sent.job for sent in planned]
    assert (jobs.count("gpu"), jobs.count("small")) == (1, 63)


def test_a_device_that_is_too_small_for_it_is_given_to_others():
    nodes = rigs("rig", gpus=2)
    sizes = dict(zip(nodes["rig"].beat.gpus, (80_000, 8000), strict=True))
    gpus = tuple(replace(gpu, memory_mb=mb, free_mb=mb) for gpu, mb in sizes.items())
    nodes["rig"].beat = replace(nodes["rig"].beat, gpus=gpus)
    wants = Demand(gpu=1, gpu_memory_mb=40_000)
    desk = Desk(large(wants, "first", priority=9), large(wants, "second", priority=8))
    desk.backlog.open(large(Demand(gpu=1, gpu_memory_mb=2000), "modest"))

    assert sorted(sent.job for sent in desk.plan(nodes)) == ["first", "modest"]
