from datetime import timedelta

import pytest
from django.utils import timezone

from hive_site.kernel.errors import Conflict, NotFound
from jobs.models import Job, Subtask
from jobs.services import retry_job, submit_job
from tests.jobs.cast import FIRST, NOW
from tests.jobs.stage import fresh, states

pytestmark = pytest.mark.usefixtures("db", "redis")
ENDS = ["succeeded", "failed", "cancelled", "quarantined"]


def ended(*ends, state="partial", reduce=None, **columns):
    job = submit_job(task="demo.echo", items=[0] * len(ends), reduce=reduce)
    for index, end in enumerate(ends):
        Subtask.objects.filter(job=job, index=index).update(
            state=end, attempt=FIRST, attempts=3, errors=2, crashes=1, losses=1, node="spore-1",
            result="1", error="{}", started_at=NOW, finished_at=NOW,
        )  # fmt: skip
    Subtask.objects.filter(job=job, role="reduce").update(state="cancelled")
    failed = ends.count("failed") + ends.count("quarantined")
    counts = {"succeeded": ends.count("succeeded"), "failed": failed}
    counts["cancelled"] = ends.count("cancelled")
    Job.objects.filter(pk=job.pk).update(
        **{"state": state, "error": "{}", "finished_at": NOW, "running": 2, **counts, **columns}
    )
    return job


def test_what_did_not_succeed_runs_again_and_the_rest_stays():
    job = ended(*ENDS)

    retry_job(job_id=job.pk)

    assert states(job) == ["succeeded", "waiting", "waiting", "waiting"]
    again = fresh(job)
    assert (again.state, again.rounds, again.error, again.finished_at) == ("queued", 2, None, None)
    assert (again.succeeded, again.failed, again.cancelled, again.running) == (1, 0, 0, 0)


def test_budgets_are_fresh_and_the_attempts_go_on_counting():
    job = ended("failed", state="failed")

    retry_job(job_id=job.pk)

    row = Subtask.objects.get()
    assert (row.errors, row.crashes, row.losses) == (0, 0, 0)
    assert (row.result, row.error, row.node, row.started_at) == (None, None, "", None)
    # a late report of an old attempt must not pass for a new one
    assert (row.attempt, row.attempts) == (FIRST, 3)


@pytest.mark.parametrize(
    ("ends", "state"), [(("succeeded", "failed"), "blocked"), (("succeeded",), "waiting")]
)
def test_the_reduction_waits_for_what_runs_again_or_is_ready_at_once(ends, state):
    job = ended(*ends, state="failed", reduce="demo.echo")

    retry_job(job_id=job.pk)

    assert states(job)[-1] == state


def test_a_deadline_that_passed_does_not_end_the_job_again():
    late = ended("failed", state="failed", deadline=timezone.now() - timedelta(seconds=1))
    future = timezone.now() + timedelta(hours=1)
    early = ended("failed", state="failed", deadline=future)

    assert retry_job(job_id=late.pk).deadline is None
    assert retry_job(job_id=early.pk).deadline == future


@pytest.mark.parametrize("state", ["queued", "running", "paused", "cancelling", "succeeded"])
def test_only_what_ended_without_success_is_retried(state):
    job = ended("failed", state=state)

    with pytest.raises(Conflict, match=f"is {state}; only cancelled, failed, partial jobs retry"):
        retry_job(job_id=job.pk)

    assert (states(job), fresh(job).rounds) == (["failed"], 1)


def test_retrying_twice_at_once_is_one_round():
    job = ended("failed", state="failed")
    retry_job(job_id=job.pk)

    with pytest.raises(Conflict):
        retry_job(job_id=job.pk)

    assert fresh(job).rounds == 2


def test_a_job_that_is_not_there_is_not_found():
    with pytest.raises(NotFound):
        retry_job(job_id="job_none")
