from dataclasses import replace
from random import Random

import pytest

from nodes.domain.placement import (
    NEAR_EQUAL,
    Candidate,
    Choice,
    Demand,
    Gpu,
    Kind,
    busy,
    charge,
    devices,
    score,
    unfit,
)
from nodes.domain.pool import Pool
from nodes.domain.scoring import Weights
from tests.nodes.domain.cast import AtLeast

PLAIN = Candidate(name="plain", slots=2, free_memory_mb=4000)
CARDS = (Gpu(0, "A", 8000, 8000), Gpu(1, "B", 24000, 20000))
RIG = replace(PLAIN, name="rig", kind=Kind(gpu_memory_mb=(8000, 24000)), free_gpus=CARDS)
ANY = Demand()


def like(node: Candidate, **kind) -> Candidate:
    """The node, but of another kind."""
    return replace(node, kind=replace(node.kind, **kind))


def pick(*nodes: Candidate, demand: Demand = ANY, seed: int = 1, **options) -> Choice | None:
    return Pool(nodes, weights=Weights(), random=Random(seed)).choose(demand, **options)


def picks(*nodes: Candidate, demand: Demand = ANY, **options) -> set[str]:
    """Every node that is chosen under some seed."""
    choices = (pick(*nodes, demand=demand, seed=seed, **options) for seed in range(60))
    return {choice.node for choice in choices if choice}


def test_a_candidate_is_scored_by_what_was_sent_to_it():
    node = replace(PLAIN, cpu=0.5, memory=0.5, sent=1)

    assert score(node, Weights()) == pytest.approx(0.2 + 0.15 + 0.15)


@pytest.mark.parametrize(
    ("node", "demand", "reason"),
    [
        (PLAIN, ANY, ""),
        (PLAIN, Demand(labels=(("site", "lab"),)), "lacks the label site=lab"),
        (
            like(PLAIN, labels=frozenset({("site", "attic"), ("rack", "1")})),
            Demand(labels=(("site", "lab"), ("rack", "1"), ("row", "2"))),
            "lacks the label site=lab, row=2",
        ),
        (like(PLAIN, labels=frozenset({("a", "b")})), Demand(labels=(("a", "b"),)), ""),
        (
            like(PLAIN, capabilities=frozenset({"ffmpeg"})),
            Demand(capabilities=frozenset({"tex", "ffmpeg", "ocr"})),
            "lacks ocr, tex",
        ),
        (
            like(PLAIN, capabilities=frozenset({"ffmpeg", "tex"})),
            Demand(capabilities=frozenset({"tex"})),
            "",
        ),
        (PLAIN, Demand(gpu=1), "has 0 of 1 GPU"),
        (RIG, Demand(gpu=2, gpu_memory_mb=9000), "has 1 of 2 GPUs with 9000 MiB"),
        (RIG, Demand(gpu=1, gpu_memory_mb=24000), ""),
        (like(PLAIN, memory_mb=8000), Demand(memory_mb=8001), "has 8000 of 8001 MiB"),
        (like(PLAIN, memory_mb=8000), Demand(memory_mb=8000), ""),
        (PLAIN, Demand(memory_mb=10_000_000), ""),
        (PLAIN, Demand(avoid=frozenset({"plain"})), "is to be avoided"),
        (PLAIN, Demand(avoid=frozenset({"rig"})), ""),
        (like(PLAIN, release="1.3"), Demand(release=AtLeast("1.4")), "runs release 1.3"),
        (PLAIN, Demand(release=AtLeast("1.4")), "runs release unknown"),
        (like(PLAIN, release="1.4"), Demand(release=AtLeast("1.4")), ""),
        (PLAIN, Demand(task="a.b"), ""),
        (like(PLAIN, tasks=frozenset({"a.b", "a.c"})), Demand(task="a.b"), ""),
        (like(PLAIN, tasks=frozenset({"a.c"})), Demand(task="a.b"), "lacks the task a.b"),
        (like(PLAIN, tasks=frozenset()), Demand(task="a.b"), "is still loading its tasks"),
    ],
)
def test_a_node_says_why_it_can_never_run_something(node, demand, reason):
    assert unfit(node, demand) == reason


def test_what_is_taken_just_now_does_not_make_a_node_unfit():
    full = replace(RIG, sent=99, free_memory_mb=0, free_gpus=())

    assert unfit(full, Demand(gpu=1, memory_mb=500, gpu_memory_mb=8000)) == ""


@pytest.mark.parametrize(
    ("node", "demand", "reason"),
    [
        (replace(PLAIN, sent=1), ANY, ""),
        (replace(PLAIN, sent=2), ANY, "has all its slots taken"),
        (replace(PLAIN, sent=3), Demand(short=True), ""),
        (replace(PLAIN, sent=4), Demand(short=True), "has all its slots taken"),
        (replace(PLAIN, sent=2, long=1), Demand(short=True), ""),
        (replace(PLAIN, sent=3, long=1), Demand(short=True), "has all its slots taken"),
        (replace(PLAIN, sent=2, long=2), Demand(short=True), "has all its slots taken"),
        (replace(PLAIN, slots=0), Demand(short=True), "has all its slots taken"),
        (PLAIN, Demand(memory_mb=4000), ""),
        (PLAIN, Demand(memory_mb=4001), "has 4000 of 4001 MiB free"),
        (replace(RIG, free_gpus=CARDS[:1]), Demand(gpu=2), "has 1 of 2 GPUs free"),
        (RIG, Demand(gpu=2, gpu_memory_mb=8001), "has 1 of 2 GPUs with 8001 MiB free"),
        (RIG, Demand(gpu=2, gpu_memory_mb=8000), ""),
        (replace(PLAIN, kept_mb=4000), Demand(memory_mb=1), "keeps what is free for larger work"),
        (replace(PLAIN, kept_mb=4000), ANY, ""),
        (replace(RIG, kept_gpus=frozenset("0")), Demand(gpu=1, gpu_memory_mb=1), ""),
        (
            replace(RIG, kept_gpus=frozenset("0")),
            Demand(gpu=2),
            "keeps what is free for larger work",
        ),
    ],
)
def test_a_node_says_why_it_cannot_take_something_just_now(node, demand, reason):
    assert busy(node, demand) == reason


def test_devices_are_leased_by_the_memory_that_is_free_on_them():
    assert devices(RIG, Demand(gpu=1)) == (0,)
    assert devices(RIG, Demand(gpu=1, gpu_memory_mb=8001)) == (1,)
    assert devices(RIG, Demand(gpu=1, gpu_memory_mb=20001)) == ()
    assert devices(replace(RIG, free_gpus=CARDS[1:]), Demand(gpu=2)) == (1,)
    assert devices(RIG, ANY) == ()


def test_the_least_loaded_node_wins():
    idle, loaded = replace(PLAIN, name="idle"), replace(PLAIN, name="loaded", cpu=0.5)

    assert picks(loaded, idle) == {"idle"}


def test_a_choice_tells_the_score_that_decided():
    choice = pick(replace(PLAIN, cpu=0.5, sent=1))

    assert (choice.node, choice.score) == ("plain", pytest.approx(0.2 + 0.15))


def test_between_near_equals_chance_decides():
    best = replace(PLAIN, name="best", memory=0.0)
    near = replace(PLAIN, name="near", memory=(NEAR_EQUAL - 0.001) / 0.3)
    far = replace(PLAIN, name="far", memory=(NEAR_EQUAL + 0.001) / 0.3)

    assert picks(best, near, far) == {"best", "near"}


def test_nothing_is_chosen_while_every_node_is_unfit_or_full():
    nodes = [replace(PLAIN, sent=2), replace(PLAIN, name="other")]

    assert pick(*nodes, demand=Demand(avoid=frozenset({"other"}))) is None
    assert pick() is None


def test_work_for_a_gpu_gets_the_devices_it_runs_on():
    choice = pick(PLAIN, RIG, demand=Demand(gpu=2))

    assert (choice.node, choice.gpus, choice.score) == ("rig", (0, 1), 0.0)


@pytest.mark.parametrize("load", [0.0, 0.5, 1.0])
def test_work_without_a_gpu_leaves_gpu_nodes_alone_while_others_are_free(load):
    loaded = replace(PLAIN, cpu=load, memory=load)

    assert picks(loaded, RIG) == {"plain"}
    assert picks(replace(loaded, sent=1), RIG) == {"plain"}
    assert picks(replace(loaded, sent=2), RIG) == {"rig"}


def test_short_work_rather_goes_to_a_gpu_node_than_behind_others_on_an_exhausted_one():
    exhausted = replace(PLAIN, cpu=1.0, memory=1.0, sent=3)

    assert picks(exhausted, RIG, demand=Demand(short=True)) == {"rig"}


def test_the_reserve_is_no_part_of_the_score_that_people_see():
    assert pick(RIG).score == 0.0


def test_a_node_pays_at_once_for_what_it_was_given():
    demand = Demand(gpu=1, memory_mb=3000)

    after = charge(RIG, pick(RIG, demand=demand), demand)

    assert (after.sent, after.long, after.cpu, after.free_memory_mb) == (1, 1, 0.5, 1000)
    assert after.free_gpus == CARDS[1:]


def test_work_for_a_gpu_does_not_avoid_gpu_nodes():
    small = replace(RIG, name="small", cpu=0.1)

    assert picks(RIG, small, demand=Demand(gpu=1)) == {"rig", "small"}


def test_a_node_where_it_crashed_is_avoided_even_if_the_others_are_full():
    full = replace(PLAIN, name="full", sent=2)
    idle = replace(PLAIN, name="idle")

    assert pick(full, idle, avoid=frozenset({"idle"})) is None
    assert picks(replace(full, sent=1), idle, avoid=frozenset({"idle"})) == {"full"}


def test_a_node_where_it_crashed_is_taken_if_no_other_can_ever_run_it():
    idle, foreign = replace(PLAIN, name="idle"), replace(PLAIN, name="foreign")
    demand = Demand(avoid=frozenset({"foreign"}))

    assert picks(idle, foreign, demand=demand, avoid=frozenset({"idle"})) == {"idle"}


def test_a_second_copy_never_runs_beside_the_first():
    idle = replace(PLAIN, name="idle")

    assert pick(idle, avoid=frozenset({"idle"}), apart=True) is None
