"""Children that never started, and of which retention has deleted the items, stay ended."""

from datetime import timedelta

import pytest
from django.utils import timezone

from hive_site.kernel.errors import Gone
from jobs import descendants
from jobs.invariants import check_database
from jobs.models import Job, Subtask
from jobs.retention import expire_results, terms_of
from jobs.services import cancel_job, retry_job, submit_job
from jobs.services.retrying import block
from tests.jobs.stage import fresh, states


def expire(*jobs):
    """Retention deletes the items of these jobs."""
    long_ago = timezone.now() - timedelta(days=3)
    Job.objects.filter(pk__in=[job.pk for job in jobs]).update(finished_at=long_ago)
    while expire_results(terms_of(timezone.now()), 1000):
        pass


def child_of(stage, parent, *, items=(1, 2)):
    """A job that waits for another one, cancelled before it started."""
    child = submit_job(task="demo.echo", items=items, depends_on=[parent.pk])
    stage.hint(child)
    cancel_job(job_id=child.pk)
    stage.hint(child, "cancel")
    return child


@pytest.mark.parametrize("fans_out", [False, True])
def test_one_that_expired_is_gone_for_whoever_retries_it(stage, fans_out):
    parent = stage.submit()
    items = {"$result": parent.pk} if fans_out else [1, 2]
    child = child_of(stage, parent, items=items)
    expire(child)

    with pytest.raises(Gone):
        retry_job(job_id=child.pk)

    assert (fresh(child).state, fresh(child).kept) == ("cancelled", "row")
    stage.run()
    stage.take_over()
    assert fresh(parent).state == "succeeded"


def test_one_that_expired_does_not_wait_again_when_its_parent_is_retried(stage):
    parent = stage.submit()
    old, new = (submit_job(task="demo.echo", items=[1], depends_on=[parent.pk]) for _ in range(2))
    spore, bundle = stage.bundle()
    spore.happen(bundle, final=True)
    spore.end(bundle)
    stage.read()
    expire(old)

    retry_job(job_id=parent.pk)

    assert [fresh(job).state for job in (old, new)] == ["failed", "blocked"]
    stage.hint(parent)
    stage.run()
    assert [fresh(job).state for job in (old, new)] == ["failed", "succeeded"]


def test_what_somebody_else_retried_just_now_is_left_as_it_is(stage):
    job = stage.submit()

    assert block([job.pk]) == []

    assert states(job) == ["waiting"]
    stage.run()


def test_a_child_whose_items_are_lost_fails_alone_and_its_parent_ends(unchecked_stage):
    stage = unchecked_stage
    parent = stage.submit()
    child = submit_job(task="demo.echo", items={"$result": parent.pk}, depends_on=[parent.pk])
    stage.hint(child)
    Subtask.objects.filter(job=child).delete()

    stage.run(result="[1, 2]")

    assert (fresh(parent).state, fresh(child).state) == ("succeeded", "failed")
    assert f'"{descendants.BAD_INPUT}"' in fresh(child).error


def test_an_open_job_whose_items_were_deleted_is_found(unchecked_stage):
    job = unchecked_stage.submit()
    Subtask.objects.filter(job=job).delete()
    Job.objects.update(kept="row")

    [found] = check_database()

    assert (found.rule, found.subject) == ("I5", job.pk)
    assert "its items were deleted" in found.detail


@pytest.mark.parametrize("fans_out", [False, True])
def test_what_an_expired_parent_gave_is_not_taken_for_nothing(stage, fans_out):
    parent = stage.submit()
    quote = {"$result": parent.pk}
    child = child_of(stage, parent, items=quote if fans_out else [quote])
    stage.run()
    expire(parent)

    retry_job(job_id=child.pk)
    stage.hint(child)

    assert fresh(child).state == "failed"
    assert "HIVE_RESULT_TTL" in fresh(child).error
    assert check_database() == []
