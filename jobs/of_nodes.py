"""Reads of work by the node on which it is or was: what runs and what ended there, what moved away.

Neither table has an index for that on its way of writing, so both reads look at so many rows.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from jobs.astir import IS_ASTIR
from jobs.domain.states import JobState, Outcome, SubtaskState
from jobs.models import Attempt, Job, Subtask

#: What one read looks at, at most.
ATTEMPTS_LOOKED_AT, SUBTASKS_LOOKED_AT = 5_000, 20_000
#: Of running jobs, and of jobs that have ended, the newest so many.
JOBS_LOOKED_AT = 50
UNDER_WAY = (JobState.RUNNING, JobState.PAUSED, JobState.CANCELLING)
NOWHERE = (SubtaskState.WAITING, SubtaskState.RETRYING, SubtaskState.QUEUED)


@dataclass(frozen=True, slots=True)
class Moved:
    """A subtask that was lost with a node, and when; where it is now, or "" if nowhere yet."""

    job: str
    index: int
    state: str
    node: str
    at: datetime


def running_on(node: str, limit: int) -> list[dict[str, Any]]:
    """What the database knows to run on a node, the oldest first, told as `work` of nodes is."""
    rows = Subtask.objects.filter(IS_ASTIR, state=SubtaskState.RUNNING, node=node)
    begun = rows.filter(started_at__isnull=False).order_by("started_at", "id")
    found = list(begun.values_list("job_id", "index", "started_at")[:limit])
    # A join would make two of the columns of which that index speaks.
    tasks = dict(Job.objects.filter(pk__in={job for job, *_ in found}).values_list("pk", "task"))
    return [
        {"task": tasks[job], "job": job, "index": index, "items": 1, "started_at": at.isoformat()}
        for job, index, at in found
        if job in tasks
    ]


def moved_from(node: str, since: datetime, limit: int = 100) -> list[Moved]:
    """What was lost with a node since then, the newest first."""
    newest = Attempt.objects.filter(node=node).order_by("-id").values("pk")[:ATTEMPTS_LOOKED_AT]
    lost = Attempt.objects.filter(pk__in=newest, outcome=Outcome.LOST, ended_at__gte=since)
    rows = lost.order_by("-id").values_list(
        *("subtask__job_id", "subtask__index", "subtask__state", "subtask__node", "ended_at")
    )
    return [
        Moved(job, index, state, "" if state in NOWHERE else where, at)
        for job, index, state, where, at in rows[:limit]
    ]


def latest_of_node(node: str, limit: int = 500) -> list[Subtask]:
    """The newest subtasks that ended on a node, as far as they are of jobs that run or ended of
    late. Without their items and results."""
    found: list[Subtask] = []
    left = SUBTASKS_LOOKED_AT
    for job, ended in _newest_jobs():
        found += _ended_on(node, job, min(ended, left), limit)
        left -= min(ended, left)
        if not left:
            break
    return sorted(found, key=lambda row: (row.seq, row.pk), reverse=True)[:limit]


def _newest_jobs() -> list[tuple[str, int]]:
    """Jobs that are under way, then those that ended last, each with how many subtasks ended."""
    under_way = Job.objects.filter(state__in=UNDER_WAY).order_by("-id")
    over = Job.objects.filter(finished_at__isnull=False).order_by("-finished_at")
    columns = ("pk", "succeeded", "failed", "cancelled")
    rows = [
        *under_way.values_list(*columns)[:JOBS_LOOKED_AT],
        *over.values_list(*columns)[:JOBS_LOOKED_AT],
    ]
    # The reduction is not among those that are counted.
    return [(job, sum(counts) + 1) for job, *counts in rows]


def _ended_on(node: str, job: str, most: int, limit: int) -> list[Subtask]:
    """Of the newest ends of a job, those on the node."""
    ended = Subtask.objects.filter(job_id=job, seq__gt=0).order_by("-seq", "-id")
    rows = Subtask.objects.filter(pk__in=ended.values("pk")[:most], node=node)
    return list(rows.defer("item", "result", "error").order_by("-seq", "-id")[:limit])
