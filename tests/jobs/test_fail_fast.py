"""`on_error: fail_fast`: one failure fails the job, even if it is the last thing to end."""

import json

import pytest
from django.utils import timezone

from jobs.finisher import settle_jobs
from jobs.models import Job
from jobs.services import submit_job

pytestmark = pytest.mark.django_db

ERROR = json.dumps({"type": "ValueError", "message": "no luck", "traceback": ""})


@pytest.fixture
def ended(redis):
    """A job of which one item succeeded, and the last one did not."""

    def end(state="failed", **options):
        job = submit_job(task="demo.echo", items=[1, 2], **options)
        job.subtasks.filter(index=0).update(state="succeeded", result="1", attempt=1)
        job.subtasks.filter(index=1).update(state=state, error=ERROR, attempt=2)
        Job.objects.filter(pk=job.pk).update(succeeded=1, failed=1)
        settle_jobs({job.pk}, timezone.now(), seq=1)
        job.refresh_from_db()
        return job

    return end


@pytest.mark.parametrize("state", ["failed", "quarantined"])
def test_a_failure_at_the_very_end_is_the_failure_of_the_job(ended, state):
    job = ended(state, on_error="fail_fast")

    assert (job.state, job.error) == ("failed", ERROR)


def test_who_collects_errors_gets_what_succeeded(ended):
    job = ended(on_error="collect")

    assert (job.state, job.error) == ("partial", None)
