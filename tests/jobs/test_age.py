"""Age is what a job waited since it could have been sent, whoever leads."""

from datetime import timedelta

import pytest

from jobs.models import Job
from jobs.services import retry_job, submit_job
from tests.jobs.graphs import fail
from tests.jobs.stage import fresh


def make_old(stage, job, **columns):
    """As if it had been submitted an hour ago."""
    Job.objects.filter(pk=job.pk).update(created_at=stage.now - timedelta(hours=1), **columns)


def served_first(stage, urgent):
    """Whether all urgent jobs are sent before anything else, also by the next leader."""
    stage.take_over()
    stage.send()
    return {sent.job for sent in stage.in_flight} == {job.pk for job in urgent}


@pytest.mark.parametrize("items", [[1], "what its parent gives"])
def test_what_was_blocked_for_an_hour_is_no_older_than_its_release(stage, items):
    parent = stage.submit()
    given = items if isinstance(items, list) else {"$result": parent.pk}
    low = submit_job(task="demo.echo", items=given, priority=0, depends_on=[parent.pk])
    stage.hint(low)
    make_old(stage, low)
    spore, bundle = stage.bundle()
    spore.succeed(bundle, result="[1]")
    stage.read()

    urgent = [stage.submit(priority=10) for _ in range(2)]

    assert served_first(stage, urgent)
    stage.run()


def test_what_is_retried_by_hand_begins_anew(stage):
    low = stage.submit(priority=0)
    fail(stage)
    make_old(stage, low)
    retry_job(job_id=low.pk)

    urgent = [stage.submit(priority=10) for _ in range(2)]

    assert served_first(stage, urgent)
    stage.run()


def test_what_was_delayed_for_an_hour_is_no_older_than_its_time(stage):
    low = stage.submit(priority=0, delay=3600)
    make_old(stage, low, not_before=stage.now)

    urgent = [stage.submit(priority=10) for _ in range(2)]

    assert served_first(stage, urgent)
    stage.run()
    stage.tidy(after=6)
    stage.run()
    assert fresh(low).state == "succeeded"


def test_what_was_ready_for_an_hour_goes_first(stage):
    low = stage.submit(priority=0)
    make_old(stage, low)

    urgent = [stage.submit(priority=10) for _ in range(2)]

    assert not served_first(stage, urgent)
    stage.run()
