"""Lets jobs go that waited for others: they get their input, and then their items are ready."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from jobs.domain.graph import Bond
from jobs.domain.states import JobState, Role, SubtaskState
from jobs.finisher import Settled
from jobs.inputs import Given, give_inputs
from jobs.models import Edge, Job, Subtask
from jobs.unstarted import End, end_unstarted, lock_blocked

#: The type of the error of a job whose parents gave what cannot be its input.
BAD_INPUT = "input"


def let_go(
    jobs: Sequence[str], bonds: Mapping[str, list[Bond]], now: datetime, seq: int
) -> list[Settled]:
    """Let go those of these jobs that are still blocked; of nothing to do, one ends at once.

    `seq` is the transaction's number. Those that it has no room for stay blocked, as `more`.
    """
    if not jobs:
        return []
    waiting = list(lock_blocked(jobs).only("total", "reduce"))
    hungry = [job.pk for job in waiting if any(bond.feeds for bond in bonds.get(job.pk, ()))]
    given = give_inputs(hungry, bonds) if hungry else Given()
    left = set(hungry) - given.ready - set(given.refused)
    able = [job for job in waiting if job.pk not in left and job.pk not in given.refused]
    for job in able:
        job.total = given.totals.get(job.pk, job.total)
    ends = {job: End(JobState.FAILED, BAD_INPUT, why) for job, why in given.refused.items()}
    ends |= {job.pk: End(JobState.SUCCEEDED) for job in able if not (job.total or job.reduce)}
    found = end_unstarted(ends, now, seq)
    _open([job for job in able if job.pk not in ends], now)
    Edge.objects.filter(child__in=[job.pk for job in able], passed=False).update(passed=True)
    found += [Settled(job.pk, released=True) for job in able if job.pk not in ends]
    return found + [Settled(job, more=True) for job in sorted(left)]


def _open(jobs: Sequence[Job], now: datetime) -> None:
    """Nothing holds the items of these jobs back any more; of none, the reduction can start."""
    ids = [job.pk for job in jobs]
    waiting = Job.objects.filter(pk__in=ids, state=JobState.BLOCKED)
    waiting.update(state=JobState.QUEUED, ready_at=now)
    blocked = Subtask.objects.filter(job__in=ids, state=SubtaskState.BLOCKED)
    blocked.filter(role=Role.MAP).update(state=SubtaskState.WAITING)
    if empty := [job.pk for job in jobs if not job.total]:
        reductions = blocked.filter(job__in=empty, role=Role.REDUCE)
        reductions.update(state=SubtaskState.WAITING, item="[]")
