"""Cancel, pause, resume and delete jobs."""

from functools import partial

from django.db import transaction

from hive_site.kernel.errors import Conflict
from jobs.domain.states import JOB_OPEN, JOB_TERMINAL, JobState
from jobs.models import Delivery, Edge, Job
from jobs.selectors import get_job
from jobs.services.cancelling import cancel
from jobs.services.deleting import delete_jobs
from nodes.inbox import ring

PAUSABLE = frozenset({JobState.QUEUED, JobState.RUNNING})


def cancel_job(*, job_id: str) -> Job:
    """Stop a job that has not ended; cancelling twice is fine until it has.

    The Foreman ends it, unless it waits for others: then it is over at once. Raises
    `NotFound`, or `Conflict` if it has ended.
    """
    with transaction.atomic():
        if not cancel(Job.objects.filter(pk=job_id)):
            raise Conflict(f"job {job_id} is {get_job(job_id).state}; it cannot be cancelled")
        transaction.on_commit(partial(ring, "cancel", job_id))
        return get_job(job_id)


def pause_job(*, job_id: str) -> Job:
    """Start nothing more of a job; what runs goes on. Pausing twice is fine.

    Raises `NotFound`, or `Conflict` if it is neither queued nor running.
    """
    return _move(job_id, from_=PAUSABLE | {JobState.PAUSED}, to=JobState.PAUSED, verb="paused")


def resume_job(*, job_id: str) -> Job:
    """Go on with a paused job. Resuming one that was not paused changes nothing.

    Raises `NotFound`, or `Conflict` if it has ended or is being cancelled.
    """
    job = get_job(job_id)
    if job.state in PAUSABLE:
        return job
    to = JobState.RUNNING if job.started_at else JobState.QUEUED
    return _move(job_id, from_=frozenset({JobState.PAUSED}), to=to, verb="resumed")


@transaction.atomic
def delete_job(*, job_id: str) -> None:
    """Forget a job that has ended, with its subtasks and results.

    Raises `NotFound`, or `Conflict` if it has not ended, or if another one still waits for what
    it gave.
    """
    # First of all, a lock on the row by a guarded change of nothing: nobody can retry it meanwhile,
    # and whoever just submits a child of it is either seen below, or finds it gone.
    mine = Job.objects.filter(pk=job_id, state__in=JOB_TERMINAL)
    if not mine.update(running=0):
        raise Conflict(f"job {job_id} is {get_job(job_id).state}; cancel it first")
    waiting = Edge.objects.filter(parent=job_id, passed=False, child__state__in=JOB_OPEN)
    if child := waiting.values_list("child", flat=True).first():
        raise Conflict(f"job {child} takes the results of {job_id}; cancel that one first")
    delete_jobs([job_id])
    # Whoever deletes a job wants nobody to be told of it any more.
    Delivery.objects.filter(job=job_id).delete()


@transaction.atomic
def _move(job_id: str, *, from_: frozenset[JobState], to: JobState, verb: str) -> Job:
    if not Job.objects.move(job_id, from_=from_, to=to):
        raise Conflict(f"job {job_id} is {get_job(job_id).state}; it cannot be {verb}")
    transaction.on_commit(partial(ring, "job", job_id))
    return get_job(job_id)
