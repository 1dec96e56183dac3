"""A job that is cancelled while its reduction is open was cancelled; it did not fail."""

import json

import pytest
from django.utils import timezone

from jobs.finisher import settle_jobs
from jobs.models import Job
from jobs.services import submit_job

pytestmark = pytest.mark.django_db


@pytest.fixture
def job(redis):
    """One whose items all succeeded, and that somebody cancels."""
    job = submit_job(task="text.word_count", items=["a"], reduce="text.merge_counts")
    job.subtasks.filter(role="map").update(state="succeeded", result="{}", attempt=1)
    Job.objects.filter(pk=job.pk).update(succeeded=1, state="cancelling")
    return job


def settled(job):
    settle_jobs({job.pk}, timezone.now(), seq=1)
    job.refresh_from_db()
    return job


def test_a_reduction_that_never_opened_is_not_success(job):
    assert settled(job).state == "cancelled"
    assert job.subtasks.get(role="reduce").state == "cancelled"


def test_a_reduction_that_was_cancelled_is_not_failure(job):
    job.subtasks.filter(role="reduce").update(state="cancelled")

    assert settled(job).state == "cancelled"


def test_a_reduction_that_failed_while_it_was_being_cancelled_is(job):
    job.subtasks.filter(role="reduce").update(state="failed")

    assert settled(job).state == "failed"


def test_a_deadline_in_the_middle_of_a_reduction_is_failure(job):
    Job.objects.filter(pk=job.pk).update(error=json.dumps({"type": "deadline"}))
    job.subtasks.filter(role="reduce").update(state="cancelled")

    assert settled(job).state == "failed"
