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


def test_a_term_that_no_calendar_has_rests_the_pruner(unchecked_stage, settings):
    stage = unchecked_stage
    settings.HIVE = settings.HIVE.__class__(
        **{**vars(settings.HIVE), "result_ttl": 100_000_000_000}
    )

    stage.tidy(after=EVERY.total_seconds() + 1)

    assert stage.workload.snapshot(stage.now)["side_jobs_broken"] == {"pruner": 1}
