"""Whatever the cluster and the demand: what must hold for every choice."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from nodes.domain.placement import (
    GPU_RESERVE,
    NEAR_EQUAL,
    Candidate,
    Demand,
    Gpu,
    busy,
    choose,
    score,
    unfit,
)
from nodes.domain.scoring import Weights

WEIGHTS = Weights()
words = st.sampled_from(["a", "b", "c"])
megabytes = st.sampled_from([0, 500, 8000, 24000])
demands = st.builds(
    Demand,
    gpu=st.integers(0, 3),
    gpu_memory_mb=megabytes,
    memory_mb=megabytes,
    labels=st.dictionaries(words, words, max_size=1).map(lambda pairs: tuple(pairs.items())),
    capabilities=st.frozensets(words, max_size=1),
    short=st.booleans(),
)


@st.composite
def clusters(draw: st.DrawFn) -> list[Candidate]:
    return [draw(candidates(f"spore-{n}")) for n in range(draw(st.integers(0, 5)))]


@st.composite
def candidates(draw: st.DrawFn, name: str) -> Candidate:
    cards = tuple(
        Gpu(index, "card", memory, draw(st.integers(0, memory)))
        for index, memory in enumerate(draw(st.lists(megabytes, max_size=3)))
    )
    return Candidate(
        name=name,
        slots=draw(st.integers(0, 3)),
        sent=draw(st.integers(0, 4)),
        cpu=draw(st.floats(0, 1)),
        memory=draw(st.floats(0, 1)),
        free_memory_mb=draw(megabytes),
        placeable=draw(st.sampled_from([True, True, True, False])),
        labels=draw(st.dictionaries(words, words, max_size=2)),
        capabilities=draw(st.frozensets(words)),
        gpus=cards,
        free_gpus=tuple(card for card in cards if draw(st.booleans())),
    )


def rated(node: Candidate, demand: Demand) -> float:
    return score(node, WEIGHTS) + (GPU_RESERVE if node.gpus and not demand.gpu else 0.0)


@given(clusters(), demands, st.integers())
def test_never_a_node_that_is_unfit_or_full(nodes, demand, seed):
    choice = choose(nodes, demand, weights=WEIGHTS, random=Random(seed))

    open_now = {n.name for n in nodes if not unfit(n, demand) and not busy(n, demand)}
    assert (choice.node in open_now) if choice else not open_now


@given(clusters(), demands, st.integers())
def test_always_one_of_the_best(nodes, demand, seed):
    choice = choose(nodes, demand, weights=WEIGHTS, random=Random(seed))

    if choice:
        open_now = [n for n in nodes if not unfit(n, demand) and not busy(n, demand)]
        best = min(rated(n, demand) for n in open_now)
        (chosen,) = (n for n in nodes if n.name == choice.node)
        assert rated(chosen, demand) <= best + NEAR_EQUAL
        assert abs(choice.score - score(chosen, WEIGHTS)) < 1e-9


@given(clusters(), demands, st.integers())
def test_leased_devices_are_free_distinct_large_enough_and_as_many_as_wanted(nodes, demand, seed):
    choice = choose(nodes, demand, weights=WEIGHTS, random=Random(seed))

    if choice:
        (chosen,) = (n for n in nodes if n.name == choice.node)
        free = {gpu.index: gpu.free_mb for gpu in chosen.free_gpus}
        assert len(set(choice.gpus)) == len(choice.gpus) == demand.gpu
        assert all(free[index] >= demand.gpu_memory_mb for index in choice.gpus)


@given(clusters(), demands, st.sets(st.sampled_from([f"spore-{n}" for n in range(5)])))
def test_an_avoided_node_is_chosen_only_if_no_other_can_ever_run_it(nodes, demand, avoid):
    choice = choose(nodes, demand, weights=WEIGHTS, random=Random(1), avoid=frozenset(avoid))

    if choice and choice.node in avoid:
        assert all(n.name in avoid for n in nodes if not unfit(n, demand))
