"""How work ended of late, and where: of the jobs that moved last, so that it costs little."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from jobs.domain.states import SubtaskState
from jobs.models import Job, Subtask

#: The newest so many jobs, and of each the newest so many ends.
JOBS_LOOKED_AT, ENDS_LOOKED_AT = 10, 1_000
BAD = (SubtaskState.FAILED, SubtaskState.QUARANTINED)


@dataclass(frozen=True, slots=True)
class Ending:
    """One subtask that ran on a node to a good end, or to a bad one."""

    node: str
    good: bool
    at: datetime


def endings_since(since: datetime) -> Iterator[Ending]:
    """Of the newest ends those after a moment."""
    moved = Q(finished_at=None, started_at__isnull=False) | Q(finished_at__gte=since)
    newest = Job.objects.filter(moved).order_by("-pk").values_list("pk", flat=True)
    for job in newest[:JOBS_LOOKED_AT]:
        ended = Subtask.objects.filter(job_id=job, seq__gt=0).order_by("-seq", "-id")
        rows = ended.values_list("node", "state", "finished_at")[:ENDS_LOOKED_AT]
        for node, state, at in rows:
            good = state == SubtaskState.SUCCEEDED
            if node and at and at >= since and (good or state in BAD):
                yield Ending(node, good, at)
