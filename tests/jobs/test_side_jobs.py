"""What a broom trips over does not stop the leader."""

import pytest

from jobs.pruner import EVERY, Pruner
from jobs.steering import Steering
from jobs.stragglers import Stragglers
from tests.jobs.stage import fresh


@pytest.mark.parametrize(
    ("broom", "verb", "name"),
    [
        (Pruner, "step", "pruner"),
        (Stragglers, "look", "stragglers"),
        (Steering, "look", "steering"),
    ],
)
def test_one_broom_breaks_and_the_work_goes_on(unchecked_stage, monkeypatch, broom, verb, name):
    stage = unchecked_stage

    def trip(*args):
        raise OverflowError("date value out of range")

    monkeypatch.setattr(broom, verb, trip)
    stage.tidy(after=EVERY.total_seconds() + 1)

    job = stage.submit()
    stage.run()
    assert fresh(job).state == "succeeded"
    assert stage.workload.snapshot(stage.now)["side_jobs_broken"] == {name: 1}


def test_limits_that_nobody_can_read_keep_no_foreman_from_taking_over(unchecked_stage, monkeypatch):
    stage = unchecked_stage

    def trip(*args):
        raise ValueError("no rate")

    monkeypatch.setattr(Steering, "read", trip)
    stage.take_over()

    job = stage.submit()
    stage.run()
    assert fresh(job).state == "succeeded"


def test_a_stage_of_retention_that_breaks_does_not_hold_up_those_behind_it(
    unchecked_stage, monkeypatch
):
    stage, done = unchecked_stage, []

    def trip(terms, limit):
        raise ValueError("odd row")

    stages = {"odd": trip, "fine": lambda terms, limit: done.append("fine") or 0}
    monkeypatch.setattr("jobs.pruner.STAGES", stages)
    for _ in range(2):
        stage.tidy(after=EVERY.total_seconds() + 1)
        stage.tidy(after=61)

    assert done == ["fine", "fine"]


def test_a_term_that_no_calendar_has_rests_the_pruner(unchecked_stage, settings):
    stage = unchecked_stage
    settings.HIVE = settings.HIVE.__class__(
        **{**vars(settings.HIVE), "result_ttl": 100_000_000_000}
    )

    stage.tidy(after=EVERY.total_seconds() + 1)

    assert stage.workload.snapshot(stage.now)["side_jobs_broken"] == {"pruner": 1}
