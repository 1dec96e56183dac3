"""Why jobs and subtasks wait, for people: what the database knows, then what the leader says."""

import time
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db.models import Min
from django.utils import timezone

from jobs.astir import IS_ASTIR
from jobs.domain.states import JOB_TERMINAL, TERMINAL, JobState, SubtaskState
from jobs.models import Job, Queue, Subtask
from nodes.picture import glimpse

NO_LEADER = "no Foreman leads just now; nothing is started meanwhile"
NEXT = "it was just sent to a node, or its turn is next"


def why_jobs_wait(
    jobs: Iterable[Job], drawn: Mapping[str, Any] | None = None
) -> dict[str, str | None]:
    """Why something of each job waits, by id; None where nothing does.

    Who knows what the Foreman's picture shows just now saves another look at it.
    """
    waiting = {job.pk: job for job in jobs if _may_wait(job)}
    if not waiting:
        return {}
    now = timezone.now()
    paused = set(Queue.objects.filter(paused=True).values_list("name", flat=True))
    reasons = {pk: _by_row(job, paused, now) for pk, job in waiting.items()}
    asking = [pk for pk, reason in reasons.items() if reason is None]
    if asking:
        said = _say_of_leader(glimpse().current(time.time()) if drawn is None else drawn)
        reasons |= {pk: said.get(pk, said.get("")) for pk in asking}
    return reasons


def why_job_waits(job: Job, drawn: Mapping[str, Any] | None = None) -> str | None:
    """Why something of the job waits, or None; also when its next try is, if all others run."""
    reason = why_jobs_wait([job], drawn).get(job.pk)
    if reason is not None or not _may_wait(job):
        return reason
    retrying = job.subtasks.filter(IS_ASTIR, state=SubtaskState.RETRYING)
    at = retrying.filter(retry_at__gt=timezone.now()).aggregate(at=Min("retry_at"))["at"]
    return f"what failed is tried again at {_clock(at)}" if at else None


def why_subtask(job: Job, row: Subtask) -> str | None:
    """Why the subtask ran, or runs, where it did; or why it waits."""
    if row.state in TERMINAL:
        return row.placed or None
    if row.state == SubtaskState.RUNNING:
        return f"runs on {row.node}{': ' if row.placed else ''}{row.placed}"
    due = row.retry_at if row.state == SubtaskState.RETRYING else None
    if due and due > timezone.now():
        return f"it is tried again at {_clock(due)}"
    if job.state == JobState.CANCELLING:
        return "its job is being stopped"
    return why_jobs_wait([job]).get(job.pk) or NEXT


def _may_wait(job: Job) -> bool:
    if job.state in JOB_TERMINAL or job.state == JobState.CANCELLING:
        return False
    ended = job.succeeded + job.failed + job.cancelled
    return ended + job.running < job.total or bool(job.reduce)


def _by_row(job: Job, paused: set[str], now: datetime) -> str | None:
    """What is plain from the database alone."""
    if job.state == JobState.PAUSED:
        return "the job is paused"
    if job.state == JobState.BLOCKED:
        parents = Job.objects.open().filter(pk__in=job.depends_on).values_list("pk", flat=True)
        return f"it comes after {', '.join(parents) or 'jobs that just ended'}"
    if job.queue in paused:
        return f"the queue {job.queue} is paused"
    if job.not_before and job.not_before > now:
        return f"delayed until {_clock(job.not_before)}"
    return None


def _say_of_leader(drawn: Mapping[str, Any]) -> dict[str, str]:
    """Reasons by job; that of all others under the empty name."""
    if not drawn:
        return {"": NO_LEADER}
    said: dict[str, str] = drawn.get("waiting", {})
    return said


def _clock(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"
