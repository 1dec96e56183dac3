"""What waits, as the autoscaler is told: what could run now, if there were room."""

import pytest

from jobs.services import cancel_job, pause_job, set_limits
from nodes.domain.fitness import Demand, Kind
from nodes.domain.scaling_loads import Offer
from nodes.ports import Wakeup
from tests.jobs.stage import Stage

ECHO = "demo.echo"


@pytest.fixture
def stage(redis, db) -> Stage:
    """Two nodes of one slot."""
    return Stage(redis)


def wants(stage):
    return stage.workload.wants(stage.now, [])


def counts(stage):
    return [want.count for want in wants(stage)]


def test_what_found_no_room_is_wanted_with_its_age(stage):
    stage.submit(9)
    stage.send()
    [before] = wants(stage)
    stage.tidy(after=7)

    [want] = wants(stage)

    assert (want.count, want.demand.task, want.seconds) == (7, ECHO, None)
    assert want.oldest - before.oldest == pytest.approx(7)


def test_jobs_that_need_the_same_are_one_want_and_others_another(stage):
    for _ in range(3):
        stage.submit(2)
    stage.submit(4, requires={"gpu": 1, "gpu_memory_mb": 8000})
    stage.send()

    found = {want.demand: want.count for want in wants(stage)}

    assert found == {
        Demand(task=ECHO): 4,
        Demand(task=ECHO, gpu=1, gpu_memory_mb=8000): 4,
    }


def test_how_long_one_takes_is_known_once_one_came_back(stage):
    stage.submit(9)
    spore, bundle = stage.bundle()
    spore.succeed(bundle)
    stage.read()

    [want] = wants(stage)

    assert want.seconds == 1.0


def test_nothing_is_wanted_of_what_is_paused_cancelled_or_done(stage):
    stage.submit(2)
    stage.run()
    paused, cancelled = stage.submit(5), stage.submit(5)
    pause_job(job_id=paused.pk)
    cancel_job(job_id=cancelled.pk)
    stage.hint(paused)
    stage.hint(cancelled, "cancel")

    assert wants(stage) == []


def test_what_waits_for_its_retry_is_not_wanted_yet(stage):
    stage.submit(1, retries=1)
    spore, bundle = stage.bundle()
    spore.happen(bundle)
    spore.end(bundle)
    stage.read()

    assert wants(stage) == []


@pytest.mark.parametrize(("limit", "count"), [({"concurrency": 3}, 1), ({"rate": "4/hour"}, 2)])
def test_nothing_is_wanted_beyond_the_limits_of_a_task(stage, limit, count):
    set_limits(task=ECHO, **limit)
    stage.workload.heed([Wakeup("limits", ECHO)], stage.now)
    stage.submit(9)
    stage.send()

    assert counts(stage) == [count]


def test_a_reduction_is_wanted_with_what_its_own_task_needs(stage):
    stage.submit(1, reduce="text.merge_counts")
    spore, bundle = stage.bundle()
    spore.succeed(bundle)
    stage.read()

    [want] = wants(stage)

    assert (want.count, want.demand.task) == (1, "text.merge_counts")


TEX = Kind(capabilities=frozenset({"tex"}))


@pytest.mark.parametrize(
    ("offer", "more"),
    [
        (Offer("lab", TEX), "; the pool lab may start one"),
        (Offer("lab", TEX, room=0.0), ""),
        (Offer("lab"), ""),
    ],
)
def test_whoever_fits_nowhere_is_told_of_a_pool_that_may_help(stage, offer, more):
    stage.submit(1, requires={"capabilities": ["tex"]})
    stage.workload.wants(stage.now, [Offer("other"), offer])

    stage.send()

    [lane] = {line.standing.lane for line in stage.workload._memory.backlog.lines()}
    assert lane.reason == f"no node has tex (2 nodes: 2 lack tex){more}"
