import pytest

from hive_site.kernel.errors import Conflict, NotFound
from jobs.domain.states import JOB_OPEN, JOB_TERMINAL, JobState
from jobs.models import Attempt, IdempotencyKey, Job, Subtask
from jobs.services import (
    Idempotency,
    cancel_job,
    delete_job,
    pause_job,
    resume_job,
    submit_job,
    submit_once,
)
from nodes import wire
from tests.jobs.cast import FIRST, NOW
from tests.jobs.stage import fresh

pytestmark = pytest.mark.usefixtures("db", "redis")
VERBS = {"cancel": cancel_job, "pause": pause_job, "resume": resume_job, "delete": delete_job}
ENDED = sorted(JOB_TERMINAL)


def job_in(state, **columns):
    job = submit_job(task="demo.echo", items=[1, 2])
    Job.objects.filter(pk=job.pk).update(state=state, **columns)
    return job


@pytest.mark.parametrize("state", sorted(JOB_OPEN - {JobState.BLOCKED}))
def test_what_has_not_ended_can_be_cancelled_and_cancelling_twice_is_fine(state):
    job = job_in(state)

    assert cancel_job(job_id=job.pk).state == "cancelling"
    assert cancel_job(job_id=job.pk).state == "cancelling"


@pytest.mark.parametrize("state", ["queued", "running", "paused"])
def test_what_may_start_can_be_paused_and_pausing_twice_is_fine(state):
    job = job_in(state)

    assert pause_job(job_id=job.pk).state == "paused"
    assert pause_job(job_id=job.pk).state == "paused"


@pytest.mark.parametrize(("started", "state"), [(None, "queued"), (NOW, "running")])
def test_a_paused_job_goes_on_where_it_was(started, state):
    job = job_in("paused", started_at=started)

    assert resume_job(job_id=job.pk).state == state
    assert resume_job(job_id=job.pk).state == state


@pytest.mark.parametrize(
    ("verb", "state", "said"),
    [
        *(("cancel", state, "cancelled") for state in ENDED),
        *(("pause", state, "paused") for state in [*ENDED, "blocked", "cancelling"]),
        *(("resume", state, "resumed") for state in [*ENDED, "blocked", "cancelling"]),
    ],
)
def test_from_every_other_state_it_is_a_conflict_that_changes_nothing(verb, state, said):
    job = job_in(state)

    with pytest.raises(Conflict, match=f"{job.pk} is {state}; it cannot be {said}"):
        VERBS[verb](job_id=job.pk)

    assert fresh(job).state == state


@pytest.mark.parametrize("verb", VERBS)
def test_a_job_that_is_not_there_is_not_found(verb):
    with pytest.raises(NotFound, match="job_none"):
        VERBS[verb](job_id="job_none")


@pytest.mark.parametrize(
    ("verb", "what"), [("cancel", b"cancel"), ("pause", b"job"), ("resume", b"job")]
)
def test_the_foreman_is_told_once_it_is_done(redis, django_capture_on_commit_callbacks, verb, what):
    job = job_in(JobState.PAUSED)

    with django_capture_on_commit_callbacks(execute=True):
        VERBS[verb](job_id=job.pk)

    [(_, hint)] = redis.xrange(wire.INBOX)
    assert hint == {b"what": what, b"subject": job.pk.encode()}


@pytest.mark.parametrize("state", ENDED)
def test_what_has_ended_can_be_forgotten_with_everything_of_it(
    state, django_assert_max_num_queries
):
    other = submit_job(task="demo.echo")
    job, _ = submit_once(Idempotency("k", "ann", "f"), task="demo.echo", items=[0] * 500)
    Attempt.objects.create(id=FIRST, subtask=job.subtasks.first(), number=1, outcome="failed")
    Job.objects.filter(pk=job.pk).update(state=state)

    with django_assert_max_num_queries(15):
        delete_job(job_id=job.pk)

    assert list(Job.objects.all()) == [other]
    assert list(Subtask.objects.values_list("job", flat=True)) == [other.pk]
    assert not Attempt.objects.exists()
    assert not IdempotencyKey.objects.exists()


@pytest.mark.parametrize("state", sorted(JOB_OPEN))
def test_what_has_not_ended_cannot_be_forgotten(state):
    job = job_in(state)

    with pytest.raises(Conflict, match="cancel it first"):
        delete_job(job_id=job.pk)

    assert job.subtasks.count() == 2
