"""What the ends of jobs mean for those that wait for them: they are let go, or end as well.

Called in the transaction that ends a parent, so that nobody waits for what is over.
"""

import json
from collections.abc import Collection, Iterable
from datetime import datetime

from django.core.exceptions import ObjectDoesNotExist
from django.db import DataError, transaction
from django.db.models import Exists, OuterRef, Q

from hive_site.kernel.errors import NotFound
from jobs.domain.batch import error_text
from jobs.domain.graph import Bond, Fate, Feed, decide
from jobs.domain.states import JOB_OPEN, JobState, Role, SubtaskState
from jobs.finisher import Settled, cancel_rest, settle_jobs
from jobs.inputs import BadInput, give_input
from jobs.models import Edge, Job, Subtask
from jobs.webhooks.outbox import note_end

#: Types of the error of a job that never started because of a parent.
PARENT_FAILED, PARENT_CANCELLED, BAD_INPUT = "parent_failed", "parent_cancelled", "input"
ENDED_AS = {
    JobState.FAILED: "failed",
    JobState.PARTIAL: "succeeded only in part",
    JobState.CANCELLED: "was cancelled",
}
FATAL = (JobState.FAILED, JobState.PARTIAL, JobState.CANCELLED)
#: How much of a parent's reason its child repeats.
REASON_CHARS = 300


def settle_with_children(
    jobs: set[str], now: datetime, *, seq: int, results: dict[str, str | None] | None = None
) -> list[Settled]:
    """What `settle_jobs` does, and all that follows from it for jobs that wait."""
    settled = settle_jobs(jobs, now, seq=seq, results=results)
    return settled + settle_children([one.job for one in settled if one.state], now, seq)


def settle_children(ended: Collection[str], now: datetime, seq: int) -> list[Settled]:
    """Let go, or end, whatever waits for these jobs, and so on down the graph."""
    found: list[Settled] = []
    while ended:
        wave = settle_blocked(_decided_children(ended), now, seq)
        found += wave
        ended = [one.job for one in wave if one.state]
    return found


def _decided_children(ended: Collection[str]) -> list[str]:
    """The blocked children of jobs for which these ends may decide something."""
    open_parents = Edge.objects.filter(child=OuterRef("child"), parent__state__in=JOB_OPEN)
    decided = ~Exists(open_parents) | Q(allow_failure=False, parent__state__in=FATAL)
    rows = Edge.objects.filter(
        decided, parent__in=ended, passed=False, child__state=JobState.BLOCKED
    )
    return sorted(set(rows.values_list("child", flat=True)))


def forgotten(jobs: Iterable[str] | None = None) -> list[str]:
    """Blocked jobs, of these or of all, that nothing holds back any more."""
    holding = Edge.objects.filter(child=OuterRef("pk"), passed=False, parent__state__in=JOB_OPEN)
    rows = Job.objects.filter(~Exists(holding), state=JobState.BLOCKED)
    if jobs is not None:
        rows = rows.filter(pk__in=jobs)
    return list(rows.order_by("pk").values_list("pk", flat=True))


def settle_blocked(jobs: Collection[str], now: datetime, seq: int) -> list[Settled]:
    """Let go or end those of these blocked jobs whose parents say so.

    `seq` is the transaction's number.
    """
    if not jobs:
        return []
    bonds = bonds_of(jobs)
    fates = {job: decide(bonds.get(job, [])) for job in sorted(jobs)}
    hungry = {job for job in fates if any(bond.feeds for bond in bonds.get(job, []))}
    plain = [job for job, (fate, _) in fates.items() if fate is Fate.GO and job not in hungry]
    found = _let_go_plainly(plain, now)
    known = {one.job for one in found}
    others = [_settle(job, bonds.get(job, []), now, seq) for job in fates if job not in known]
    return found + [one for one in others if one]


def _let_go_plainly(jobs: list[str], now: datetime) -> list[Settled]:
    """Let go those of these jobs that have items and take nothing of their parents, at once."""
    able: list[str] = []
    for start in range(0, len(jobs), 500):
        page = Job.objects.select_for_update(no_key=True).filter(
            pk__in=jobs[start : start + 500], state=JobState.BLOCKED, total__gt=0
        )
        ids = list(page.order_by("pk").values_list("pk", flat=True))
        Job.objects.filter(pk__in=ids).update(state=JobState.QUEUED, ready_at=now)
        _open(ids)
        able += ids
    return [Settled(job, released=True) for job in able]


def _open(jobs: list[str]) -> None:
    """Nothing holds the items of these jobs back any more."""
    Edge.objects.filter(child__in=jobs, passed=False).update(passed=True)
    Subtask.objects.filter(job__in=jobs, role=Role.MAP, state=SubtaskState.BLOCKED).update(
        state=SubtaskState.WAITING
    )


def bonds_of(jobs: Iterable[str]) -> dict[str, list[Bond]]:
    """The parents that each of these jobs waits for, as they are now."""
    edges = list(Edge.objects.filter(child__in=jobs, passed=False).order_by("pk"))
    parents = Job.objects.filter(pk__in={edge.parent_id for edge in edges})
    states = dict(parents.values_list("pk", "state"))
    bonds: dict[str, list[Bond]] = {}
    for edge in edges:
        state = states.get(edge.parent_id)
        bond = Bond(
            parent=edge.parent_id,
            name=edge.name,
            allow_failure=edge.allow_failure,
            feeds=Feed(edge.feeds),
            state=JobState(state) if state else None,
        )
        bonds.setdefault(edge.child_id, []).append(bond)
    return bonds


def lock_jobs(jobs: Iterable[str]) -> dict[str, str]:
    """The states of these jobs, none of which changes before the caller's transaction ends."""
    rows = Job.objects.select_for_update(no_key=True).filter(pk__in=list(jobs))
    return dict(rows.order_by("pk").values_list("pk", "state"))


def ended_by_parent(error: str | None) -> bool:
    """Whether a job's error says that it ended because of its parents, before it started."""
    kind = json.loads(error)["type"] if error else ""
    return kind in (PARENT_FAILED, PARENT_CANCELLED, BAD_INPUT)


def _settle(job: str, bonds: list[Bond], now: datetime, seq: int) -> Settled | None:
    fate, culprit = decide(bonds)
    if culprit:
        cancelled = fate is Fate.CANCEL
        state = JobState.CANCELLED if cancelled else JobState.FAILED
        kind = PARENT_CANCELLED if cancelled else PARENT_FAILED
        return _end(job, state, facts(kind, f"it needs {tell(culprit)}"), now, seq)
    return _let_go(job, bonds, now, seq) if fate is Fate.GO else None


def tell(bond: Bond) -> str:
    """Which parent ended how, and why, in words."""
    row = Job.objects.filter(pk=bond.parent).values_list("error", "failed", "total").first()
    if row is None or bond.state is None:
        return f"{bond.label}, which was deleted"
    error, failed, total = row
    told = f"{bond.label}, which {ENDED_AS[bond.state]}"
    reason = json.loads(error)["message"] if error else ""
    if not reason and failed:
        reason = f"{failed} of {total} subtasks failed"
    return f"{told}: {reason[:REASON_CHARS]}" if reason else told


def _end(
    job: str,
    state: JobState,
    error: str,
    now: datetime,
    seq: int,
    *,
    from_: JobState = JobState.BLOCKED,
) -> Settled | None:
    moved = Job.objects.move(job, from_=frozenset({from_}), to=state, error=error, finished_at=now)
    if not moved:
        return None
    cancel_rest(job, in_flight=set(), now=now, seq=seq)
    note_end(job)
    return Settled(job, state=state)


def _let_go(job_id: str, bonds: list[Bond], now: datetime, seq: int) -> Settled | None:
    """The job is ready, with its input; or it failed, because its input makes no sense."""
    blocked, queued = frozenset({JobState.BLOCKED}), JobState.QUEUED
    if not Job.objects.move(job_id, from_=blocked, to=queued, ready_at=now):
        return None  # somebody cancelled it
    job = Job.objects.only("total", "reduce", "kwargs").get(pk=job_id)
    try:
        with transaction.atomic():
            give_input(job, bonds)
    except (BadInput, NotFound, ObjectDoesNotExist, DataError, ValueError) as fact:
        # Whatever it is, it must not keep the parent from ending.
        return _end(job_id, JobState.FAILED, facts(BAD_INPUT, str(fact)), now, seq, from_=queued)
    _open([job_id])
    if not job.total:
        if not job.reduce:
            Job.objects.move(
                job_id, from_=frozenset({queued}), to=JobState.SUCCEEDED, finished_at=now
            )
            note_end(job_id)
            return Settled(job_id, state=JobState.SUCCEEDED)
        reduction = Subtask.objects.filter(job=job_id, role=Role.REDUCE)
        reduction.filter(state=SubtaskState.BLOCKED).update(state=SubtaskState.WAITING, item="[]")
    return Settled(job_id, released=True)


def facts(kind: str, message: str) -> str:
    """An error as jobs keep it."""
    return error_text({"type": kind, "message": message, "traceback": ""})
