"""Whatever the cluster and the demand: what must hold for every choice."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from nodes.domain.placement import (
    DEEPEST,
    GPU_RESERVE,
    NEAR_EQUAL,
    Candidate,
    Demand,
    Gpu,
    Kind,
    busy,
    charge,
    room,
    score,
    unfit,
)
from nodes.domain.pool import Pool
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
    avoid=st.frozensets(st.sampled_from(["spore-0", "spore-1"]), max_size=1),
    task=st.sampled_from(["", "a"]),
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
        long=draw(st.integers(0, 3)),
        cpu=draw(st.floats(0, 1)),
        memory=draw(st.floats(0, 1)),
        free_memory_mb=draw(megabytes),
        kind=Kind(
            labels=frozenset(draw(st.dictionaries(words, words, max_size=2)).items()),
            capabilities=draw(st.frozensets(words)),
            gpu_memory_mb=tuple(card.memory_mb for card in cards),
            tasks=draw(st.sampled_from([None, frozenset("a"), frozenset("b"), frozenset()])),
        ),
        free_gpus=tuple(card for card in cards if draw(st.booleans())),
    )


def rated(node: Candidate, demand: Demand) -> float:
    return score(node, WEIGHTS) + (
        GPU_RESERVE if node.kind.gpu_memory_mb and not demand.gpu else 0.0
    )


def choose(nodes, demand, *, random, **options):
    return Pool(nodes, weights=WEIGHTS, random=random).choose(demand, **options)


@given(clusters(), demands, st.integers())
def test_never_a_node_that_is_unfit_or_full(nodes, demand, seed):
    choice = choose(nodes, demand, random=Random(seed))

    open_now = {n.name for n in nodes if not unfit(n, demand) and not busy(n, demand)}
    assert (choice.node in open_now) if choice else not open_now


@given(clusters(), demands, st.integers())
def test_always_one_of_the_best(nodes, demand, seed):
    choice = choose(nodes, demand, random=Random(seed))

    if choice:
        open_now = [n for n in nodes if not unfit(n, demand) and not busy(n, demand)]
        best = min(rated(n, demand) for n in open_now)
        (chosen,) = (n for n in nodes if n.name == choice.node)
        assert rated(chosen, demand) <= best + NEAR_EQUAL
        assert abs(choice.score - score(chosen, WEIGHTS)) < 1e-9


@given(clusters(), demands, st.integers())
def test_leased_devices_are_free_distinct_large_enough_and_as_many_as_wanted(nodes, demand, seed):
    choice = choose(nodes, demand, random=Random(seed))

    if choice:
        (chosen,) = (n for n in nodes if n.name == choice.node)
        free = {gpu.index: gpu.free_mb for gpu in chosen.free_gpus}
        assert len(set(choice.gpus)) == len(choice.gpus) == demand.gpu
        assert all(free[index] >= demand.gpu_memory_mb for index in choice.gpus)


@given(clusters(), demands, st.sets(st.sampled_from([f"spore-{n}" for n in range(5)])))
def test_an_avoided_node_is_chosen_only_if_no_other_can_ever_run_it(nodes, demand, avoid):
    choice = choose(nodes, demand, random=Random(1), avoid=frozenset(avoid))

    if choice and choice.node in avoid:
        assert all(n.name in avoid for n in nodes if not unfit(n, demand))


@given(clusters(), demands, st.sets(st.sampled_from([f"spore-{n}" for n in range(5)])))
def test_what_must_keep_apart_does(nodes, demand, avoid):
    away = frozenset(avoid)

    choice = choose(nodes, demand, random=Random(1), avoid=away, apart=True)

    assert not choice or choice.node not in avoid


@given(clusters(), st.lists(st.tuples(demands, st.booleans()), max_size=12), st.integers())
def test_one_plan_chooses_as_if_each_bundle_were_the_first(nodes, asked, seed):
    """What earlier bundles took is charged, whatever they asked for."""
    now = {node.name: node for node in nodes}
    pool = Pool(nodes, weights=WEIGHTS, random=Random(seed))

    for demand, picky in asked:
        avoid = frozenset({"spore-0"}) if picky else frozenset()
        choice = pool.choose(demand, avoid=avoid, apart=picky)
        fit = [n for n in now.values() if not unfit(n, demand) and n.name not in avoid]
        open_now = [n for n in fit if not busy(n, demand)]
        assert (choice is None) == (not open_now)
        if choice:
            best = min(rated(n, demand) for n in open_now)
            assert choice.node in {n.name for n in open_now}
            assert rated(now[choice.node], demand) <= best + NEAR_EQUAL
            pool.charge(choice, demand)
            now[choice.node] = charge(now[choice.node], choice, demand)
        assert pool.is_full == all(room(n, short=DEEPEST) <= 0 for n in now.values())
