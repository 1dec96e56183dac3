import time
from collections import Counter
from dataclasses import replace
from random import Random

import pytest

from nodes.domain.placement import DEEPEST, Candidate, Demand, Gpu, Kind
from nodes.domain.pool import MAX_WHY_CHARS, Pool
from nodes.domain.scoring import Weights
from tests.nodes.domain.cast import AtLeast

LAB = Kind(labels=frozenset({("site", "lab")}), capabilities=frozenset({"ffmpeg"}))
PLAIN = Candidate("plain", 2, cpu=0.5, memory=0.41, free_memory_mb=4000)


def pool(*nodes, absent=None, seed=1):
    return Pool(nodes, weights=Weights(), random=Random(seed), absent=lambda: absent or {})


def many(count, **fields):
    return [replace(PLAIN, name=f"spore-{n}", **fields) for n in range(count)]


def give(mine, demand):
    """Choose and charge."""
    choice = mine.choose(demand)
    if choice:
        mine.charge(choice, demand)
    return choice


def test_it_tells_how_many_fit_and_what_decided():
    nodes = [*many(3, cpu=0.9), replace(PLAIN, name="best", cpu=0.2, sent=1)]

    why = pool(*nodes).choose(Demand()).why

    assert why == "best of 4 that fit: score 0.35 (cpu 0.20, memory 0.41, tasks 1/2)"


def test_it_tells_what_only_one_node_has():
    nodes = [replace(PLAIN, name="lab", kind=LAB), PLAIN]
    demand = Demand(capabilities=frozenset({"ffmpeg"}), labels=(("site", "lab"),), memory_mb=10)

    why = pool(*nodes).choose(demand).why

    assert why == "the only one with the label site=lab, ffmpeg, 10 MiB"


def test_it_tells_which_devices_were_leased():
    cards = (Gpu(0, "", 8000, 100), Gpu(3, "", 8000, 8000))
    rig = replace(PLAIN, kind=Kind(gpu_memory_mb=(8000, 8000)), free_gpus=cards)

    why = pool(rig, *many(2)).choose(Demand(gpu=1, gpu_memory_mb=500)).why

    assert why == "gpu 3; the only one with 1 GPU with 500 MiB"


def test_why_is_one_line_of_a_column():
    demand = Demand(capabilities=frozenset(f"capability-{n}" for n in range(50)))
    able = replace(PLAIN, kind=Kind(capabilities=demand.capabilities))

    assert len(pool(able).choose(demand).why) == MAX_WHY_CHARS


RIG = replace(PLAIN, name="rig", kind=replace(LAB, gpu_memory_mb=(8000,)))
GPUS = Demand(gpu=4, labels=(("site", "lab"),))


@pytest.mark.parametrize(
    ("nodes", "absent", "demand", "reason"),
    [
        ([], {}, Demand(), "no node is online"),
        ([], {"is draining": 2}, Demand(), "no node fits (2 nodes: 2 are draining)"),
        (
            [*many(2), RIG],
            {},
            GPUS,
            "no node has the label site=lab and 4 GPUs"
            " (3 nodes: 2 lack the label site=lab, 1 has 1 of 4 GPUs)",
        ),
        (
            many(1, kind=Kind(release="1.3")),
            {"is suspect": 1},
            Demand(release=AtLeast("1.4")),
            "no node has release >=1.4 (2 nodes: 1 is suspect, 1 runs release 1.3)",
        ),
        (
            many(2, kind=Kind(tasks=frozenset({"a.b"}))),
            {},
            Demand(task="a.c"),
            "no node fits (2 nodes: 2 lack the task a.c)",
        ),
        (
            many(2),
            {},
            Demand(avoid=frozenset({"spore-0", "spore-1"})),
            "no node fits (2 nodes: 2 are to be avoided)",
        ),
        (
            [*many(2, kind=Kind(memory_mb=16000)), replace(PLAIN, kind=Kind(memory_mb=8000))],
            {},
            Demand(memory_mb=10_000_000),
            "no node has 10000000 MiB"
            " (3 nodes: 2 have 16000 of 10000000 MiB, 1 has 8000 of 10000000 MiB)",
        ),
        (
            [*many(2, sent=2), replace(PLAIN, free_memory_mb=100)],
            {},
            Demand(memory_mb=500),
            "every node that fits is busy"
            " (3 nodes: 2 have all their slots taken, 1 has 100 of 500 MiB free)",
        ),
    ],
)
def test_it_tells_why_something_is_placed_nowhere(nodes, absent, demand, reason):
    mine = pool(*nodes, absent=absent)

    assert mine.choose(demand) is None
    assert mine.why_not(demand) == reason


def test_memory_is_promised_once():
    mine, demand = pool(replace(PLAIN, slots=9, free_memory_mb=1000)), Demand(memory_mb=400)

    assert [give(mine, demand) is None for _ in range(3)] == [False, False, True]


def test_idle_slots_are_counted_where_a_copy_could_run():
    nodes = [*many(3, sent=1), replace(PLAIN, name="lab", kind=LAB)]

    assert pool(*nodes).idle_slots(Demand(), besides="spore-0") == 4
    assert pool(*nodes).idle_slots(Demand(labels=(("site", "lab"),)), besides="lab") == 0


def test_a_thousand_equal_nodes_share_the_work():
    mine = pool(*many(1000, slots=4))

    given = Counter(give(mine, Demand()).node for _ in range(1000))

    # One bundle is worth more than the tolerance between near-equals: nobody gets a second one
    # while others have none.
    assert max(given.values()) == 1


def test_equal_nodes_are_taken_by_chance():
    first = {pool(*many(10), seed=seed).choose(Demand()).node for seed in range(100)}

    assert len(first) == 10


def test_demands_of_all_sorts_share_their_nodes():
    mine = pool(*many(3, slots=1))

    nodes = [give(mine, Demand(task=f"a.t{n}", memory_mb=n)).node for n in range(3)]

    assert sorted(nodes) == ["spore-0", "spore-1", "spore-2"]
    assert give(mine, Demand(task="a.more")) is None


@pytest.mark.parametrize("demand", [Demand(), Demand(short=True)])
def test_five_hundred_bundles_for_a_thousand_nodes_are_placed_in_a_moment(demand):
    mine = pool(*many(1000, slots=4))
    begun = time.process_time()

    assert all(give(mine, demand) for _ in range(500))

    assert time.process_time() - begun < 0.25  # it takes a twentieth of a second


SHORT, TINY = Demand(short=1), Demand(short=DEEPEST)


def test_places_are_kept_behind_the_slots_for_which_something_waits():
    mine = pool(replace(PLAIN, name="a", sent=2), replace(PLAIN, name="b", sent=2), PLAIN)

    mine.keep_places(Demand(), avoid=frozenset({"b"}))

    placed = Counter(choice.node for choice in iter(lambda: give(mine, SHORT), None))
    assert placed == {"b": 2, "plain": 4}
    tiny = Counter(choice.node for choice in iter(lambda: give(mine, TINY), None))
    assert tiny.keys() == {"b", "plain"}
    assert mine.is_full


def test_no_places_are_kept_for_what_may_queue_itself_or_waits_for_something_else():
    mine = pool(replace(PLAIN, sent=2))

    mine.keep_places(SHORT)
    mine.keep_places(Demand(gpu=1))
    mine.keep_places(Demand(memory_mb=9000))

    assert mine.choose(SHORT)
