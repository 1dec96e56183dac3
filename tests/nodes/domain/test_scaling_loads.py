import pytest
from hypothesis import given
from hypothesis import strategies as st

from nodes.domain.fitness import Demand, Kind
from nodes.domain.scaling_loads import UNKNOWN_SECONDS, Offer, Want, share_out
from nodes.domain.scaling_pictures import Load

CPU = Offer("cpu", Kind(labels=frozenset({("pool", "cpu")})), slots=4)
GPU = Offer("gpu", Kind(gpu_memory_mb=(24_000, 24_000)), slots=4)
VIDEO = Offer("video", Kind(capabilities=frozenset({"ffmpeg"})), slots=1)
ON_GPU = Demand(gpu=1)


def test_work_counts_in_nodes_by_what_one_of_them_runs_at_once():
    loads = share_out([Want(Demand(), 8, 3.0, 2.0)], [CPU])

    assert loads == {"cpu": Load(waiting=8, oldest=3.0, size=2.0, work=4.0, mean=2.0)}


def test_a_node_runs_as_many_as_it_has_devices():
    loads = share_out([Want(ON_GPU, 8, seconds=1.0)], [CPU, GPU])

    assert (loads["gpu"].size, loads["cpu"]) == (4.0, Load())


def test_work_without_a_gpu_counts_for_no_pool_with_some_while_another_pool_could_run_it():
    loads = share_out([Want(Demand(), 4)], [GPU, CPU])

    assert (loads["gpu"].waiting, loads["cpu"].waiting) == (0, 4)


def test_work_without_a_gpu_that_only_a_pool_with_gpus_could_run_counts_there():
    labelled = Offer("gpu", Kind(labels=frozenset({("site", "lab")}), gpu_memory_mb=(1,)))

    loads = share_out([Want(Demand(labels=(("site", "lab"),)), 4)], [labelled, CPU])

    assert loads["gpu"].waiting == 4


@pytest.mark.parametrize(
    "demand",
    [
        Demand(gpu=3),
        Demand(gpu=1, gpu_memory_mb=25_000),
        Demand(labels=(("site", "lab"),)),
        Demand(capabilities=frozenset({"tex"})),
    ],
)
def test_work_that_no_pool_could_run_counts_for_none(demand):
    loads = share_out([Want(demand, 4)], [CPU, GPU, VIDEO])

    assert set(loads.values()) == {Load()}


def test_work_that_fits_several_pools_goes_to_the_first_that_has_room():
    first = Offer("first", slots=2, room=3.0)

    loads = share_out([Want(Demand(), 10)], [first, CPU])

    assert (loads["first"].waiting, loads["cpu"].waiting) == (6, 4)


def test_a_task_that_was_never_seen_is_thought_to_be_short():
    loads = share_out([Want(Demand(), 4)], [CPU])

    assert loads["cpu"].mean == UNKNOWN_SECONDS


def test_memory_bounds_how_many_run_at_once():
    small = Offer("small", Kind(memory_mb=8_000), slots=8)

    loads = share_out([Want(Demand(memory_mb=3_000), 4), Want(Demand(memory_mb=9_000), 4)], [small])

    assert (loads["small"].waiting, loads["small"].size) == (4, 2.0)


wants = st.lists(st.builds(Want, st.sampled_from([Demand(), ON_GPU]), st.integers(1, 1000)))
offers = st.lists(
    st.builds(
        Offer,
        st.uuids().map(str),
        st.sampled_from([CPU.kind, GPU.kind]),
        st.integers(1, 8),
        st.floats(0, 10),
    ),
    max_size=4,
)


@given(wants, offers)
def test_all_work_that_some_pool_could_run_counts_once(wants, offers):
    loads = share_out(wants, offers)

    fitting = [w.count for w in wants if any(offer.fits(w.demand) for offer in offers)]
    assert sum(load.waiting for load in loads.values()) == sum(fitting)
