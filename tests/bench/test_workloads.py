import pytest

from bench import plain, tasks
from bench.workloads import ALL, measure_enqueue, measure_latency, measure_rate, measure_routing
from jobs.registry import registry
from tests.bench.cast import Obedient


def test_every_workload_has_a_name_of_its_own():
    names = [workload.name for workload in ALL]

    assert len(set(names)) == len(names)


@pytest.mark.parametrize("name", sorted(plain.WORK))
def test_both_sides_know_every_function(name):
    assert tasks.PREFIX + name in registry


def test_a_task_does_what_the_plain_function_does():
    task = registry.get("bench.payload")

    assert task.run(None, 100) == plain.payload(100) == "x" * 100


def test_a_rate_submits_every_item_in_one_job():
    side = Obedient("hive")

    values = measure_rate("noop", 1)(side, 7)

    assert side.asked == [("noop", 7)]
    assert values["rate"] > 0


@pytest.mark.parametrize("measure", [measure_latency, measure_enqueue])
def test_single_jobs_are_submitted_one_by_one(measure):
    side = Obedient("hive")

    values = measure(side, 4)

    assert side.asked == [("noop", 1)] * 4
    assert 0 <= values["p50"] <= values["p99"]


class Late(Obedient):
    """Says that it started a fixed time after it was asked."""

    def submit(self, work, item):
        started = plain.clock(item) + 1000
        return lambda: started


def test_routing_ends_when_the_function_is_entered_not_when_its_result_arrives():
    values = measure_routing(Late("hive"), 3)

    assert values["p50"] == pytest.approx(1_000_000, rel=0.01)
