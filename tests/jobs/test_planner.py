from collections import Counter
from datetime import timedelta

import pytest

from jobs.domain.bundles import MAX_BYTES
from nodes.domain.placement import DEEPEST, Demand
from nodes.domain.pool import Pool
from nodes.domain.states import WORKING, NodeState
from tests.jobs.cast import NOW, line, ready, roster, seat
from tests.jobs.desk import Desk, subtasks, where


def test_long_work_fills_each_slot_once_and_waits_on_the_nexus():
    desk = Desk(line(items=100, task="long"), long=5.0)

    planned = desk.plan(roster(nodes=3, slots=2))

    assert where(planned) == {"spore-1": 2, "spore-2": 2, "spore-3": 2}
    assert all(len(sent.items) == 1 for sent in planned)
    assert desk.plan(roster(nodes=3, slots=2)) == []


def test_short_work_lies_one_bundle_deep_behind_each_slot():
    desk = Desk(line(items=1000, task="short"), short=0.01)

    assert set(where(desk.plan(roster(nodes=3, slots=2))).values()) == {4}


def test_short_work_does_not_lie_behind_work_that_takes_long():
    long, short = line("long", items=1, task="long"), line("short", items=1000, task="short")
    desk, nodes = Desk(long, short, long=60.0, short=0.01), roster(nodes=2, slots=1)

    first, *others = desk.plan(nodes)

    assert first.job == "long"
    [free] = {"spore-1", "spore-2"} - {first.node}
    assert where(others) == {free: 2}
    assert desk.plan(nodes) == []  # nor in the next plan


def test_an_unknown_task_is_tried_with_one_item_for_each_slot():
    planned = Desk(line(items=1000)).plan(roster(nodes=4, slots=2))

    assert [len(sent.items) for sent in planned] == [1] * 8


def test_the_tail_of_a_job_is_spread_over_all_slots():
    desk = Desk(line(items=40, task="tiny"), tiny=0.0001)

    planned = desk.plan(roster(nodes=10, slots=2))

    assert set(where(planned)) == {f"spore-{n}" for n in range(1, 11)}
    assert max(len(sent.items) for sent in planned) == 1


@pytest.mark.parametrize("state", sorted({*NodeState} - WORKING))
def test_nothing_is_sent_to_a_node_that_may_not_be_given_work(state):
    assert Desk(line(items=5)).plan(roster(seat(state=state))) == []


def test_nothing_is_planned_for_a_line_that_is_held_or_stopped():
    held, stopped = line("held", items=5), line("stopped", items=5)
    held.held = stopped.stopped = True

    assert Desk(held, stopped).plan(roster(nodes=5)) == []


def test_gpu_work_travels_alone_and_each_bundle_has_a_device_of_its_own():
    demand = Demand(gpu=1, gpu_memory_mb=4000)
    desk = Desk(line(items=50, task="gpu", alone=True, demand=demand), gpu=0.001)
    nodes = roster(seat("plain", slots=8), seat("rich", slots=8, gpus=3))

    planned = desk.plan(nodes)

    assert where(planned) == {"rich": 3}
    assert [len(sent.items) for sent in planned] == [1, 1, 1]
    assert sorted(sent.gpus for sent in planned) == [(0,), (1,), (2,)]
    desk.finish(planned[1])
    assert [sent.gpus for sent in desk.plan(nodes)] == [planned[1].gpus]


def test_at_most_once_travels_alone_and_never_waits_on_a_node():
    desk = Desk(line(items=50, task="once", alone=True), once=0.001)

    planned = desk.plan(roster(nodes=2, slots=2))

    assert [len(sent.items) for sent in planned] == [1] * 4


def test_work_without_a_gpu_leaves_the_gpus_to_others():
    desk = Desk(line(items=4))

    assert where(desk.plan(roster(seat("plain", slots=4), seat("rich", slots=4, gpus=1)))) == {
        "plain": 4
    }


def test_a_node_where_it_crashed_is_avoided_while_there_is_another():
    desk = Desk(line(items=[ready(1, avoid=frozenset({"spore-1"}))]))

    assert where(desk.plan(roster(nodes=2))) == {"spore-2": 1}


def test_a_node_where_it_crashed_is_better_than_none():
    desk = Desk(line(items=[ready(1, avoid=frozenset({"spore-1"}))]))

    assert where(desk.plan(roster(nodes=1))) == {"spore-1": 1}


def test_who_must_avoid_a_node_takes_no_neighbours_along():
    avoid = frozenset({"spore-1"})
    items = [ready(1, avoid=avoid), ready(2), ready(3, avoid=avoid), ready(4)]
    desk = Desk(line(items=[*items, *(ready(n) for n in range(5, 100))], task="short"), short=0.01)

    planned = desk.plan(roster(nodes=3, slots=4))

    mixed = [sent for sent in planned if len(sent.items) > 1]
    assert mixed
    assert all(not item.avoid for sent in mixed for item in sent.items)


def test_a_reduction_travels_alone_and_honours_what_its_job_requires():
    demand = Demand(gpu=1, capabilities=frozenset({"tex"}))
    work = line(items=[ready(9, reduce=True)], reduce="text.merge_counts", demand=demand)
    able = seat("able", gpus=1, capabilities=frozenset({"tex"}))

    [sent] = Desk(work).plan(roster(seat("plain", slots=9), seat("rig", gpus=1), able))

    assert [item.reduce for item in sent.items] == [True]
    assert (sent.node, sent.gpus) == ("able", (0,))


def test_a_task_goes_only_to_nodes_that_have_it_and_so_does_a_reduction():
    work = line(items=[ready(1), ready(2, reduce=True)], task="a.map", reduce="a.merge")
    nodes = roster(
        seat("maps", tasks=frozenset({"a.map"})), seat("merges", tasks=frozenset({"a.merge"}))
    )

    desk = Desk(work)
    planned = [*desk.plan(nodes), *desk.plan(nodes)]

    assert [(sent.items[0].subtask, sent.node) for sent in planned] == [(1, "maps"), (2, "merges")]


@pytest.mark.parametrize(("reduce", "node"), [(False, "maps"), (True, "merges")])
def test_a_second_copy_goes_only_to_nodes_that_have_its_task(reduce, node):
    copy = ready(1, reduce=reduce).after(avoid=frozenset({"silent"}), copy_because="second copy")
    work = line(items=[copy], task="a.map", reduce="a.merge")
    lacks, has = seat("lacks", tasks=frozenset({"b.c"})), {"maps": "a.map", "merges": "a.merge"}
    nodes = [seat(name, tasks=frozenset({task})) for name, task in has.items()]

    assert Desk(line(items=[copy], task="a.map", reduce="a.merge")).plan(roster(lacks)) == []
    assert where(Desk(work).plan(roster(lacks, *nodes))) == {node: 1}


def test_whatever_a_node_may_have_is_tried_there():
    assert where(Desk(line(items=1)).plan(roster(seat("new", tasks=None)))) == {"new": 1}


def test_who_must_avoid_a_busy_node_does_not_hold_up_those_behind():
    picky = ready(1, avoid=frozenset({"spore-1"}))
    desk = Desk(line(items=[picky, *(ready(n) for n in range(2, 9))], task="long"), long=9.0)
    nodes = roster(seat("spore-1", slots=3), seat("spore-2", slots=1))
    [first, *_] = desk.plan(nodes)
    desk.backlog.get("job_a").ready.appendleft(ready(20, avoid=frozenset({"spore-1"})))
    desk.finish(next(sent for sent in desk.flight if sent.node == "spore-1"))

    again = desk.plan(nodes)

    assert (first.node, first.items) == ("spore-2", [picky])
    assert [(sent.node, sent.items[0].subtask) for sent in again] == [("spore-1", 5)]
    assert [item.subtask for item in desk.backlog.get("job_a").ready] == [20, 6, 7, 8]


def test_a_second_copy_waits_rather_than_run_beside_the_first():
    copy = ready(1, number=2, avoid=frozenset({"spore-1"}), copy_because="second copy: why not")
    work = line(items=[copy])

    assert Desk(work).plan(roster(nodes=1)) == []
    [sent] = Desk(line(items=[copy])).plan(roster(nodes=2))
    assert sent.node == "spore-2"
    assert sent.placed.startswith("second copy: why not; best of 2 that fit: score")


def test_each_bundle_knows_why_it_went_where_it_did():
    [plain] = Desk(line(items=1)).plan(roster(nodes=2))
    [picky] = Desk(line(items=[ready(1, avoid=frozenset({"spore-1"}))])).plan(roster(nodes=2))

    assert plain.placed == "best of 2 that fit: score 0.00 (cpu 0.00, memory 0.00, tasks 0/1)"
    assert picky.placed.startswith("not on spore-1, where it crashed; best of 2")


def test_why_a_line_waits_is_found_out_once_a_second():
    work = line(items=1, demand=Demand(capabilities=frozenset({"tex"})))
    desk, nodes = Desk(work), roster(nodes=1)
    desk.plan(nodes)
    nodes.add(seat("spore-2"))

    desk.plan(nodes, NOW + timedelta(seconds=0.5))
    assert work.awaiting_room == "no node has tex (1 node: 1 lacks tex)"
    desk.plan(nodes, NOW + timedelta(seconds=1))
    assert work.awaiting_room == "no node has tex (2 nodes: 2 lack tex)"


def test_a_bundle_is_no_larger_than_a_message_may_be():
    big = "x" * (MAX_BYTES // 3)
    desk = Desk(line(items=[ready(n, item=big) for n in range(100)], task="short"), short=0.001)

    planned = desk.plan(roster(nodes=1))

    assert planned
    assert all(sum(len(i.item) for i in sent.items) <= MAX_BYTES for sent in planned)


def test_an_item_larger_than_a_message_travels_alone():
    big = ready(1, item="x" * (MAX_BYTES + 1))
    desk = Desk(line(items=[big, *(ready(n) for n in range(2, 50))], task="short"), short=0.001)

    assert desk.plan(roster(nodes=1))[0].items == [big]


def test_who_finds_no_room_does_not_hold_up_the_others_and_says_why():
    picky = line("picky", items=3, priority=10, demand=Demand(capabilities=frozenset({"ffmpeg"})))
    desk = Desk(picky, line("plain", items=3))

    assert {sent.job for sent in desk.plan(roster(nodes=2))} == {"plain"}
    assert picky.awaiting_room


def test_a_busy_cluster_is_asked_once_for_each_kind_of_work_and_not_for_each_job(monkeypatch):
    asked, choose = [], Pool.choose

    def count(pool, demand, **also):
        asked.append(demand)
        return choose(pool, demand, **also)

    monkeypatch.setattr(Pool, "choose", count)
    gpu = Demand(gpu=1)
    desk = Desk(*(line(f"{n}", items=9, demand=gpu if n % 2 else Demand()) for n in range(500)))

    assert len(desk.plan(roster(nodes=1))) == 1
    assert len(asked) <= 3


def test_who_avoids_the_node_with_room_does_not_hold_up_its_like():
    desk = Desk(line("first", items=1))
    desk.plan(roster(seat("spore-2")))
    shy = [ready(1, avoid=frozenset({"spore-1"}))]
    desk.backlog.open(line("shy", items=shy, priority=10))
    desk.backlog.open(line("plain", items=1))

    [sent] = desk.plan(roster(seat("spore-1"), seat("spore-2")))

    assert (sent.job, sent.node) == ("plain", "spore-1")


def play_out(desk, nodes, *, job, bundles=40):
    """Finish the oldest bundle and plan again, until the job is served; how often that was."""
    for count in range(bundles):
        if any(sent.job == job for sent in desk.plan(nodes)):
            return count
        desk.finish(min(desk.flight, key=lambda sent: sent.first))
    return None


def test_work_that_is_not_short_does_not_starve_behind_work_that_is():
    crowd = line("crowd", items=9999, task="short", priority=5)
    desk, nodes = Desk(crowd, short=0.01), roster(nodes=2)
    desk.plan(nodes)
    desk.backlog.open(line("urgent", items=1, task="unknown", priority=10))

    assert play_out(desk, nodes, job="urgent") <= 3


def test_work_that_is_not_short_waits_for_its_turn_as_all_do():
    crowd = line("crowd", items=9999, task="short", priority=5)
    desk, nodes = Desk(crowd, short=0.01), roster(nodes=2)
    desk.plan(nodes)
    desk.backlog.open(line("humble", items=1, task="unknown", priority=4))

    assert play_out(desk, nodes, job="humble") is None


@pytest.mark.parametrize(("task", "priority"), [("short", 10), ("unknown", 10), ("short", 5)])
def test_nothing_starves_behind_work_that_lies_deeper(task, priority):
    crowd = line("crowd", items=99_999, task="tiny", priority=5)
    desk, nodes = Desk(crowd, short=0.1, tiny=4e-6), roster(nodes=2)
    for _ in range(3):
        desk.plan(nodes)
    deep = max(where(desk.flight).values())
    desk.backlog.open(line("urgent", items=20, task=task, priority=priority))

    assert deep == 1 + DEEPEST
    assert play_out(desk, nodes, job="urgent") <= 2 * (1 + DEEPEST)


def test_no_place_is_kept_for_who_waits_for_something_else_than_a_slot():
    crowd = line("crowd", items=9999, task="short")
    gpu = line("gpu", items=2, task="long", priority=10, demand=Demand(gpu=1), alone=True)
    desk, nodes = Desk(gpu, crowd, short=0.01), roster(seat(slots=3, gpus=1))

    planned = desk.plan(nodes)

    assert Counter(sent.job for sent in planned) == {"gpu": 1, "crowd": 4}


def test_the_window_is_filled_as_it_empties():
    pages = [[ready(n) for n in range(10, 20)]]

    def refill(mine):
        if not mine.ready and pages:
            mine.ready.extend(pages.pop())

    desk = Desk(line(items=2), refill=refill)

    assert len(subtasks(desk.plan(roster(nodes=12)))) == 12


def test_a_retry_is_sent_when_its_time_has_come():
    work = line()
    work.put_off(ready(1, number=2), NOW.timestamp() + 2)
    desk = Desk(work)

    assert desk.plan(roster(nodes=1)) == []
    assert subtasks(desk.plan(roster(nodes=1), NOW + timedelta(seconds=2))) == [1]


def test_in_a_full_cluster_everybody_hears_why_it_waits():
    long, next_ = line("long", items=4, task="long"), line("next", items=2, priority=1)
    stuck = line("stuck", items=1, priority=1, demand=Demand(capabilities=frozenset({"tex"})))

    Desk(long, next_, stuck, long=9.0).plan(roster(nodes=2))

    busy = "every node that fits is busy (2 nodes: 2 have all their slots taken)"
    assert [long.awaiting_room, next_.awaiting_room] == [busy] * 2
    assert stuck.awaiting_room == "no node has tex (2 nodes: 2 lack tex)"
    assert (next_.fits_nowhere, stuck.fits_nowhere) == (False, True)
