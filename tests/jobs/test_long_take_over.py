"""A take-over that takes longer than a term of the lease."""

from datetime import timedelta

import pytest

from hive_site.kernel.errors import Deposed
from jobs import bookkeeping, workload
from jobs.services import submit_job
from nodes.leadership import TERM, Leadership
from tests.jobs.stage import Stage

#: A term has room for a few of these.
A_WHILE = TERM / 3


class Slow:
    """A clock that goes on with each look at it, as if every question took seconds."""

    def __init__(self, stage: Stage) -> None:
        self.stage, self.looks = stage, 0

    def __call__(self):
        self.looks += 1
        return self.stage.now + self.looks * A_WHILE


@pytest.fixture
def slow(unchecked_stage, monkeypatch):
    """A stage on which few jobs are many."""
    monkeypatch.setattr(workload, "JOBS_AT_ONCE", 2)
    monkeypatch.setattr(bookkeeping, "AT_ONCE", 2)
    for _ in range(10):
        submit_job(task="demo.echo", items=[1])
    unchecked_stage.leadership.release()
    clock = Slow(unchecked_stage)
    unchecked_stage.leadership = Leadership(unchecked_stage.redis, clock=clock)
    assert unchecked_stage.leadership.hold(unchecked_stage.now)
    return unchecked_stage, clock


def test_no_standby_comes_between_though_the_clock_goes_on(slow):
    stage, clock = slow
    standby = Leadership(stage.redis)

    stage.workload.take_over(stage.leadership, stage.now)

    by_now = stage.now + clock.looks * A_WHILE
    assert by_now > stage.now + 2 * TERM
    assert not standby.hold(by_now)
    stage.leadership.keep(stage.now)
    assert len(stage.memory.backlog.lines()) == 10


def test_whoever_lost_the_lease_on_the_way_stops(slow):
    stage, _ = slow
    standby = Leadership(stage.redis)
    assert standby.hold(stage.now + timedelta(hours=1))

    with pytest.raises(Deposed):
        stage.workload.take_over(stage.leadership, stage.now)

    assert not stage.leadership.held


def test_hundreds_of_jobs_are_taken_over_in_few_questions(
    unchecked_stage, django_assert_max_num_queries
):
    for _ in range(300):
        submit_job(task="demo.echo", items=[1])

    with django_assert_max_num_queries(40):
        unchecked_stage.take_over()

    assert len(unchecked_stage.memory.backlog.lines()) == 300
