"""Gives a job that did not wholly succeed another chance."""

from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import Case, F, When
from django.utils import timezone

from hive_site.kernel.errors import Conflict, NotFound
from jobs.descendants import bonds_of, ended_by_parent, lock_jobs, settle_waiting, tell
from jobs.domain.graph import Bond, decide
from jobs.domain.states import JOB_OPEN, TERMINAL, JobState, Kept, Role, SubtaskState
from jobs.models import Edge, Job, Subtask
from jobs.selectors import get_job, require_results
from nodes.inbox import ring
from nodes.leadership import present_number

RETRIABLE = frozenset({JobState.PARTIAL, JobState.FAILED, JobState.CANCELLED})
UNSUCCESSFUL = TERMINAL - {SubtaskState.SUCCEEDED}
#: `attempt` stays: a late report of an old attempt must not pass for a new one.
AFRESH: dict[str, Any] = {
    "result": None,
    "error": None,
    "errors": 0,
    "crashes": 0,
    "losses": 0,
    "node": "",
    "placed": "",
    "retry_at": None,
    "started_at": None,
    "finished_at": None,
    "seq": 0,
}


@transaction.atomic
def retry_job(*, job_id: str) -> Job:
    """Run what did not succeed again, with fresh budgets; what succeeded stays.

    What never started because of this job may start again with it. Raises `NotFound`, `Gone` if
    its items were deleted, or `Conflict` unless the job ended as partial, failed or cancelled, and
    if a parent of it did before it started.
    """
    require_results(job_id)
    never_started = bonds_of([job_id]).get(job_id)
    if never_started:
        return _wait_again(job_id, never_started)
    moved = Job.objects.filter(kept=Kept.ALL).move(
        job_id,
        from_=RETRIABLE,
        to=JobState.QUEUED,
        failed=0,
        cancelled=0,
        **_job_afresh(),
    )
    if not moved:
        raise _not_retriable(job_id)
    again = Subtask.objects.filter(job_id=job_id, role=Role.MAP, state__in=UNSUCCESSFUL).update(
        state=SubtaskState.WAITING, **AFRESH
    )
    # Nobody opens a reduction once every item has ended: then it is ready now.
    Subtask.objects.filter(job_id=job_id, role=Role.REDUCE).update(
        state=SubtaskState.BLOCKED if again else SubtaskState.WAITING, **AFRESH
    )
    block_children(job_id)
    transaction.on_commit(partial(ring, "job", job_id))
    return get_job(job_id)


def _wait_again(job_id: str, bonds: list[Bond]) -> Job:
    """A job that ended before it started waits for its parents once more."""
    lock_jobs(bond.parent for bond in bonds)
    bonds = bonds_of([job_id]).get(job_id, [])
    _, culprit = decide(bonds)
    if get_job(job_id).state not in RETRIABLE:
        raise _not_retriable(job_id)
    if culprit:
        way = f"retry {culprit.parent}, and this one runs again after it"
        raise Conflict(f"job {job_id} never started: it needs {tell(culprit)}; {way}")
    if not block([job_id]):
        raise _not_retriable(job_id)
    block_children(job_id)
    settle_waiting([job_id], timezone.now(), present_number())
    transaction.on_commit(partial(ring, "job", job_id))
    return get_job(job_id)


def block_children(job_id: str) -> None:
    """A job has another chance, and so has whatever ended before it started because of it."""
    wave = [job_id]
    while wave:
        edges = Edge.objects.filter(parent__in=wave, passed=False, child__state__in=RETRIABLE)
        edges = edges.filter(child__kept=Kept.ALL)
        errors = dict(edges.values_list("child", "child__error"))
        bonds = bonds_of(errors)
        wave = block(
            [
                child
                for child, error in errors.items()
                if ended_by_parent(error) and decide(bonds[child])[1] is None
            ]
        )


def block(jobs: list[str]) -> list[str]:
    """Those of these jobs that wait for their parents again; nothing of them ever started.

    Not what somebody else has retried just now, and not what retention has begun to delete.
    """
    whole = Job.objects.filter(pk__in=jobs, state__in=RETRIABLE, kept=Kept.ALL)
    able = list(whole.select_for_update(no_key=True).order_by("pk").values_list("pk", flat=True))
    Job.objects.filter(pk__in=able).update(
        state=JobState.BLOCKED, failed=0, cancelled=0, **_job_afresh()
    )
    Subtask.objects.filter(job__in=able).update(state=SubtaskState.BLOCKED, **AFRESH)
    return able


def _not_retriable(job_id: str) -> Conflict:
    state = require_results(job_id).state
    return Conflict(f"job {job_id} is {state}; only {', '.join(sorted(RETRIABLE))} jobs retry")


@transaction.atomic
def release_subtask(*, job_id: str, index: int) -> Job:
    """Give a quarantined subtask another chance, with fresh budgets; its job goes on.

    Raises `NotFound`, `Gone` if it was deleted, or `Conflict` unless the subtask is quarantined,
    and while a reduction without it is under way.
    """
    require_results(job_id)
    _check_unreduced(job_id)
    mine = Subtask.objects.filter(job_id=job_id, index=index, role=Role.MAP)
    released = mine.filter(state=SubtaskState.QUARANTINED).update(
        state=SubtaskState.WAITING, **AFRESH
    )
    if not released:
        state = mine.values_list("state", flat=True).first()
        if state is None:
            raise NotFound(f"job {job_id} has no subtask {index}")
        raise Conflict(f"subtask {index} is {state}; only quarantined ones are released")
    Job.objects.filter(pk=job_id).update(failed=F("failed") - 1)
    if Job.objects.move(job_id, from_=RETRIABLE, to=JobState.QUEUED, **_job_afresh()):
        Subtask.objects.filter(job_id=job_id, role=Role.REDUCE).update(
            state=SubtaskState.BLOCKED, **AFRESH
        )
        block_children(job_id)
    transaction.on_commit(partial(ring, "again", job_id))
    return get_job(job_id)


def _check_unreduced(job_id: str) -> None:
    """Raises `Conflict` if the job is being reduced; it is not before the transaction is over."""
    state = lock_jobs([job_id]).get(job_id)
    reduction = Subtask.objects.filter(job_id=job_id, role=Role.REDUCE)
    if state in JOB_OPEN and reduction.exclude(state=SubtaskState.BLOCKED).exists():
        rule = "release it when the job has ended"
        raise Conflict(f"job {job_id} is {state}, and its reduction has begun; {rule}")


def _job_afresh() -> dict[str, Any]:
    return {
        "rounds": F("rounds") + 1,
        "running": 0,
        "result": None,
        "error": None,
        "finished_at": None,
        # What it waited in an earlier round was paid then.
        "ready_at": timezone.now(),
        # Whoever retries after the deadline does not want it to end the job again.
        "deadline": Case(When(deadline__gt=timezone.now(), then="deadline"), default=None),
    }
