import pytest

from bench.simulate import _rows, read_arguments
from bench.simulation import Plan


def test_less_is_simulated_when_there_is_little_time():
    assert (read_arguments([]).subtasks, read_arguments(["--quick"]).subtasks) == (100_000, 20_000)
    assert read_arguments(["--quick", "--subtasks", "7"]).subtasks == 7


@pytest.mark.parametrize("wrong", ["--nodes=0", "--subtasks=-1", "--seconds-per-subtask=0"])
def test_of_nothing_there_is_nothing_to_simulate(wrong):
    with pytest.raises(SystemExit) as end:
        read_arguments([wrong])

    assert end.value.code == 2


def test_a_cluster_ends_no_more_than_its_slots_can():
    assert Plan(1000, 100_000, 5.0, 20.0).ideal == 800


def test_each_bound_is_met_or_not():
    rows = {row["figure"]: row for row in _rows({"loop_p99": 120.0, "rss": 90.0, "rate": 700.0})}

    assert (rows["loop_p99"]["meets_goal"], rows["loop_p99"]["meets_floor"]) == (False, True)
    assert (rows["rss"]["meets_goal"], rows["rate"]["meets_goal"]) == (True, None)
