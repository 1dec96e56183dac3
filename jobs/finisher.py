"""Ends jobs: opens their reduction, sets their final state, cancels what is left of them."""

from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction
from django.db.models import F

from hive_site.kernel.prepared import Prepared
from jobs.domain.ending import Counts, final_state
from jobs.domain.states import JOB_OPEN, OPEN, JobState, OnError, Role, SubtaskState
from jobs.models import Job, Subtask
from jobs.webhooks.outbox import note_end

ABLE = JOB_OPEN - {JobState.BLOCKED}
ABLE_JOB = Prepared(lambda pk: Job.objects.filter(pk=pk, state__in=ABLE), str)
_open = ", ".join(f"'{state}'" for state in sorted(JOB_OPEN))
#: Small jobs end as often as subtasks do, and Django would take longer to write this than it takes.
FINISH = f"""
    UPDATE jobs_job
       SET state = %s, finished_at = %s, running = 0, result = %s, error = %s,
           started_at = COALESCE(
               started_at,
               (SELECT MIN(one.started_at) FROM jobs_subtask one WHERE one.job_id = jobs_job.id),
               %s
           )
     WHERE id = %s AND state IN ({_open})
"""  # noqa: S608  # nosec B608  # the words are all our own


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of a job: over, or its reduction is ready, or it waits for no other any more.

    `more`: or nothing yet, for it is one of those that one transaction has no room for.
    """

    job: str
    state: JobState | None = None
    reduction_ready: bool = False
    released: bool = False
    more: bool = False


def settle_jobs(
    jobs: set[str], now: datetime, *, seq: int, results: dict[str, str | None] | None = None
) -> list[Settled]:
    """End the jobs of these that can end; open the reductions that can start.

    `seq` is the transaction's number. `results` are results of jobs (JSON text) that the caller
    has at hand.
    """
    settled = []
    for job in _load_able(jobs):
        counts = Counts(job.total, job.succeeded, job.failed, job.cancelled)
        if counts.all_ended:
            job.result = (results or {}).get(job.pk)
            outcome = _settle(job, counts, now, seq)
            if outcome:
                settled.append(outcome)
    return settled


def _load_able(jobs: set[str]) -> list[Job]:
    """Those of these jobs that can end."""
    if len(jobs) == 1:
        return ABLE_JOB.all(*jobs)
    return list(Job.objects.filter(pk__in=jobs, state__in=ABLE).order_by("pk"))


def _settle(job: Job, counts: Counts, now: datetime, seq: int) -> Settled | None:
    stopped = job.state == JobState.CANCELLING
    reduction = job.subtasks.filter(role=Role.REDUCE).first() if job.reduce else None
    if reduction is None:
        error = job.error or _fatal_error(job, counts)
        # It was to have as many items as a parent would give.
        itemless = stopped and not job.total
        return _finish(
            job,
            counts,
            now,
            broken=bool(error),
            stopped=stopped,
            unreduced=itemless,
            error=error,
        )
    if reduction.state == SubtaskState.BLOCKED:
        return _open_or_drop(job, counts, reduction, now, seq, stopped=stopped)
    if reduction.state in OPEN:
        return None
    unwanted = stopped and reduction.state == SubtaskState.CANCELLED
    failed = reduction.state != SubtaskState.SUCCEEDED and not unwanted
    return _finish(
        job,
        counts,
        now,
        broken=failed or bool(job.error),
        stopped=stopped,
        unreduced=unwanted and counts.can_be_reduced,
        error=job.error or (reduction.error if failed else None),
    )


def _fatal_error(job: Job, counts: Counts) -> str | None:
    """The first failure of a `fail_fast` job, which may be the last of its subtasks to end."""
    if job.on_error != OnError.FAIL_FAST or not counts.failed:
        return None
    return _first_failure(job)


def _first_failure(job: Job) -> str | None:
    failures = job.subtasks.filter(state__in=(SubtaskState.FAILED, SubtaskState.QUARANTINED))
    return failures.order_by("index").values_list("error", flat=True).first()


def _open_or_drop(
    job: Job, counts: Counts, reduction: Subtask, now: datetime, seq: int, *, stopped: bool
) -> Settled | None:
    blocked = Subtask.objects.filter(pk=reduction.pk, state=SubtaskState.BLOCKED)
    if counts.can_be_reduced and not stopped:
        blocked.update(state=SubtaskState.WAITING)
        return Settled(job.pk, reduction_ready=True)
    # Nothing to reduce, or nobody wants it any more.
    blocked.update(state=SubtaskState.CANCELLED, finished_at=now, seq=seq)
    unreduced = counts.can_be_reduced
    return _finish(job, counts, now, broken=bool(job.error), stopped=stopped, unreduced=unreduced)


def _finish(
    job: Job,
    counts: Counts,
    now: datetime,
    *,
    broken: bool,
    stopped: bool,
    unreduced: bool = False,
    error: str | None = None,
) -> Settled | None:
    state = final_state(counts, stopped=stopped, broken=broken, unreduced=unreduced)
    reason = _first_failure(job) if state == JobState.FAILED else None
    result, error = _answer(job, error or job.error or reason)
    at = connection.ops.adapt_datetimefield_value(now)
    with connection.cursor() as cursor:
        cursor.execute(FINISH, [state.value, at, result, error, at, job.pk])
        moved = cursor.rowcount == 1
    if moved and job.webhook:
        note_end(job.pk)
    return Settled(job.pk, state=state) if moved else None


def _answer(job: Job, error: str | None) -> tuple[str | None, str | None]:
    """The result and error of a job: those of its reduction, or of its only item."""
    if job.result is not None or not (job.reduce or job.total == 1):
        return job.result, error
    rows = job.subtasks.filter(role=Role.REDUCE) if job.reduce else job.subtasks.filter(index=0)
    result, reason = rows.values_list("result", "error").first() or (None, None)
    return result, error or reason


def cancel_rest(job: str, *, in_flight: set[int], now: datetime, seq: int) -> int:
    """Cancel every open subtask that is not in flight, and count it; how many that were."""
    cancelled = {"state": SubtaskState.CANCELLED, "finished_at": now, "seq": seq}
    with transaction.atomic():
        rest = Subtask.objects.filter(job_id=job, role=Role.MAP, state__in=OPEN)
        if in_flight:
            rest = rest.exclude(pk__in=in_flight)
        count = rest.update(**cancelled, retry_at=None)
        if count:
            Job.objects.filter(pk=job).update(cancelled=F("cancelled") + count)
        if not in_flight:
            # An open reduction of a job that nobody wants any more.
            reduction = Subtask.objects.filter(job_id=job, role=Role.REDUCE, state__in=OPEN)
            reduction.update(**cancelled)
    return count


def stop_job(job: str, *, error: str) -> bool:
    """Make a job end before its time, as failed with `error` (JSON text)."""
    live = JOB_OPEN - {JobState.CANCELLING}
    return Job.objects.move(job, from_=live, to=JobState.CANCELLING, error=error)
