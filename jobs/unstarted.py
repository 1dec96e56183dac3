"""Ends jobs of which nothing ever started, in a few statements for all of them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.db.models import F, QuerySet

from jobs.domain.batch import error_text
from jobs.domain.states import OPEN, JobState, SubtaskState
from jobs.finisher import Settled
from jobs.models import Job, Subtask
from jobs.webhooks.outbox import note_end

SET_ERROR = "UPDATE jobs_job SET error = %s WHERE id = %s"


@dataclass(frozen=True, slots=True)
class End:
    """How a job ends before it starts, and for what kind of reason."""

    state: JobState
    kind: str = ""
    reason: str = ""


def lock_blocked(jobs: Iterable[str]) -> QuerySet[Job]:
    """Those of these jobs that are blocked; when read, they stay so for the whole transaction."""
    rows = Job.objects.select_for_update(no_key=True).filter(pk__in=list(jobs))
    return rows.filter(state=JobState.BLOCKED).order_by("pk")


def end_unstarted(ends: Mapping[str, End], now: datetime, seq: int) -> list[Settled]:
    """End those of these jobs that are still blocked. `seq` is the transaction's number."""
    if not ends:
        return []
    webhooks = dict(lock_blocked(ends).values_list("pk", "webhook"))
    for state in sorted({ends[job].state for job in webhooks}):
        these = [job for job in webhooks if ends[job].state is state]
        Job.objects.filter(pk__in=these, state=JobState.BLOCKED).update(
            state=state, finished_at=now, cancelled=F("total")
        )
    _write_errors({job: ends[job] for job in webhooks if ends[job].kind})
    Subtask.objects.filter(job__in=list(webhooks), state__in=OPEN).update(
        state=SubtaskState.CANCELLED, finished_at=now, seq=seq, retry_at=None
    )
    for job in [job for job, webhook in webhooks.items() if webhook]:
        note_end(job)
    return [Settled(job, state=ends[job].state) for job in webhooks]


def _write_errors(ends: Mapping[str, End]) -> None:
    rows = [
        (error_text({"type": end.kind, "message": end.reason, "traceback": ""}), job)
        for job, end in ends.items()
    ]
    if rows:
        with connection.cursor() as cursor:
            cursor.executemany(SET_ERROR, rows)
