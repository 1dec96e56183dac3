"""What the ends of jobs mean for those that wait for them: they are let go, or end as well.

Called in the transaction that ends a parent, so that nobody waits for what is over. Of a great
many, one transaction settles some; the others are `forgotten` until the next.
"""

import json
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet

from hive_site.kernel.prepared import Prepared
from jobs.domain.graph import Bond, Fate, Feed, decide, doom, end_with
from jobs.domain.states import JOB_OPEN, JobState
from jobs.finisher import Settled, settle_jobs
from jobs.letting_go import BAD_INPUT, let_go
from jobs.models import Edge, Job
from jobs.unstarted import End, end_unstarted

#: Types of the error of a job that never started because of a parent.
PARENT_FAILED, PARENT_CANCELLED = "parent_failed", "parent_cancelled"
ENDED_AS = {
    JobState.FAILED: "failed",
    JobState.PARTIAL: "succeeded only in part",
    JobState.CANCELLED: "was cancelled",
}
FATAL = (JobState.FAILED, JobState.PARTIAL, JobState.CANCELLED)
#: How much of a parent's reason its child repeats.
REASON_CHARS = 300
#: So many jobs are settled in one transaction: the next report shall not wait for a second.
AT_ONCE = 500

A_CHILD = Prepared(
    lambda parent: Edge.objects.filter(parent=parent, passed=False).values_list("pk", flat=True)[
        :1
    ],
    str,
)
#: The whole graph in one statement: a chain has as many generations as jobs. The children's states
#: are looked up one by one: joined, PostgreSQL without statistics tries every blocked job.
NEEDY = """NOT tie.passed AND NOT tie.allow_failure
    AND (SELECT child.state FROM jobs_job AS child WHERE child.id = tie.child_id) = 'blocked'"""
REACH = f"""
WITH RECURSIVE doomed (id) AS (
    SELECT tie.child_id FROM jobs_edge AS tie WHERE tie.parent_id IN ({{}}) AND {NEEDY}
    UNION
    SELECT tie.child_id FROM doomed JOIN jobs_edge AS tie ON tie.parent_id = doomed.id
    WHERE {NEEDY}
)
SELECT id FROM doomed LIMIT %s
"""  # noqa: S608  # nosec B608  # places for values alone


def settle_with_children(
    jobs: set[str], now: datetime, *, seq: int, results: dict[str, str | None] | None = None
) -> list[Settled]:
    """What `settle_jobs` does, and all that follows from it for jobs that wait."""
    settled = settle_jobs(jobs, now, seq=seq, results=results)
    return settled + settle_children(settled, now, seq)


def settle_waiting(jobs: Collection[str], now: datetime, seq: int) -> list[Settled]:
    """Let go or end those of these blocked jobs whose parents say so, and all that follows."""
    settled = settle_blocked(jobs, now, seq)
    return settled + settle_children(settled, now, seq)


def settle_children(settled: Iterable[Settled], now: datetime, seq: int) -> list[Settled]:
    """Let go, or end, whatever waits for those of these that ended, and so on down the graph.

    If there are more than one transaction settles, somebody in the answer says `more`.
    """
    found: list[Settled] = []
    wave = {one.job: one.state for one in settled if one.state}
    if not _any_wait_for(wave):
        return found
    while wave:
        room = AT_ONCE - len(found)
        ends = _find_doomed(wave, room)
        gone = end_unstarted(ends, now, seq)
        decided = _decided_children([*wave, *ends], limit=room - len(ends) + 1)
        some = settle_blocked(decided[: room - len(ends)], now, seq)
        found += gone + some
        wave = {one.job: one.state for one in some if one.state}
        if len(decided) > room - len(ends) or (wave and len(found) >= AT_ONCE):
            return [*found, Settled((decided or list(wave))[-1], more=True)]
    return found


def _any_wait_for(parents: Collection[str]) -> bool:
    """Whether any job waits for one of these: most have no children."""
    if len(parents) == 1:
        return bool(A_CHILD.all(*parents))
    return bool(parents) and Edge.objects.filter(parent__in=parents, passed=False).exists()


def _decided_children(ended: Collection[str], *, limit: int) -> list[str]:
    """The blocked children of jobs for which these ends decide something, so many at most."""
    open_parents = Edge.objects.filter(child=OuterRef("child"), parent__state__in=JOB_OPEN)
    decided = ~Exists(open_parents) | Q(allow_failure=False, parent__state__in=FATAL)
    rows = Edge.objects.filter(
        decided, parent__in=ended, passed=False, child__state=JobState.BLOCKED
    )
    return list(rows.order_by("child").values_list("child", flat=True).distinct()[:limit])


def _find_doomed(ended: Mapping[str, JobState], most: int) -> dict[str, End]:
    """Who ends because of these jobs, because of those in turn, and so on; so many at most."""
    roots = {job: state for job, state in ended.items() if state in FATAL}
    reached = _reach(list(roots), most) if roots else []
    if not reached:
        return {}
    ties = Edge.objects.filter(child__in=reached, passed=False, allow_failure=False)
    culprits = doom(roots, ties.order_by("pk").values_list("child", "parent", "name"))
    reasons = _reasons_of(bond.parent for bond in culprits.values() if bond.parent in roots)
    ends: dict[str, End] = {}
    for job, bond in culprits.items():  # whoever ends another one comes before it
        ends[job] = _end_by(bond, reasons)
        reasons[job] = ends[job].reason
    return ends


def _reach(roots: list[str], most: int) -> list[str]:
    """The blocked jobs that need these, or need those that do, and so on; the nearest first."""
    places = ", ".join(["%s"] * len(roots))
    with connection.cursor() as cursor:
        cursor.execute(REACH.format(places), [*roots, most])
        return [job for (job,) in cursor.fetchall()]


def forgotten_jobs() -> QuerySet[Job]:
    """Blocked jobs whose parents have decided: nobody has settled them yet."""
    mine = Edge.objects.filter(child=OuterRef("pk"), passed=False)
    holding = mine.filter(parent__state__in=JOB_OPEN)
    fatal = mine.filter(parent__state__in=FATAL, allow_failure=False)
    rows = Job.objects.filter(~Exists(holding) | Exists(fatal), state=JobState.BLOCKED)
    return rows.order_by("pk")


def forgotten(jobs: Iterable[str] | None, *, limit: int) -> list[str]:
    """So many of them, of these jobs or of all."""
    rows = forgotten_jobs() if jobs is None else forgotten_jobs().filter(pk__in=jobs)
    return list(rows.values_list("pk", flat=True)[:limit])


def settle_blocked(jobs: Collection[str], now: datetime, seq: int) -> list[Settled]:
    """Let go or end those of these blocked jobs whose parents say so.

    `seq` is the transaction's number.
    """
    if not jobs:
        return []
    bonds = bonds_of(jobs)
    fates = {job: decide(bonds.get(job, [])) for job in sorted(jobs)}
    culprits = {job: bond for job, (_, bond) in fates.items() if bond}
    reasons = _reasons_of(bond.parent for bond in culprits.values())
    ends = {job: _end_by(bond, reasons) for job, bond in culprits.items()}
    free = [job for job, (fate, _) in fates.items() if fate is Fate.GO]
    return end_unstarted(ends, now, seq) + let_go(free, bonds, now, seq)


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
    states: dict[str, str] = {}
    wanted = sorted(set(jobs))
    for start in range(0, len(wanted), AT_ONCE):
        page = Job.objects.select_for_update(no_key=True).filter(
            pk__in=wanted[start : start + AT_ONCE]
        )
        states |= dict(page.order_by("pk").values_list("pk", "state"))
    return states


def lock_parents_of(jobs: Collection[str]) -> None:
    """The parents that these jobs wait for stay as they are until the transaction ends."""
    edges = Edge.objects.filter(child__in=jobs, passed=False)
    lock_jobs(edges.values_list("parent", flat=True))


def ended_by_parent(error: str | None) -> bool:
    """Whether a job's error says that it ended because of its parents, before it started."""
    kind = json.loads(error)["type"] if error else ""
    return kind in (PARENT_FAILED, PARENT_CANCELLED, BAD_INPUT)


def tell(bond: Bond) -> str:
    """Which parent ended how, and why, in words."""
    return _tell(bond, _reasons_of([bond.parent]))


def _tell(bond: Bond, reasons: Mapping[str, str]) -> str:
    if bond.state is None:
        return f"{bond.label}, which was deleted"
    told = f"{bond.label}, which {ENDED_AS[bond.state]}"
    reason = reasons.get(bond.parent, "")[:REASON_CHARS]
    return f"{told}: {reason}" if reason else told


def _reasons_of(jobs: Iterable[str]) -> dict[str, str]:
    """Why these jobs ended as they did, in words; empty where nothing is known."""
    wanted = set(jobs)
    if not wanted:
        return {}
    rows = Job.objects.filter(pk__in=wanted).values_list("pk", "error", "failed", "total")
    reasons: dict[str, str] = {}
    for job, error, failed, total in rows:
        reason = json.loads(error)["message"] if error else ""
        if not reason and failed:
            reason = f"{failed} of {total} subtasks failed"
        reasons[job] = reason
    return reasons


def _end_by(culprit: Bond, reasons: Mapping[str, str]) -> End:
    """How a job ends that needs this parent."""
    state = end_with(culprit)
    kind = PARENT_CANCELLED if state is JobState.CANCELLED else PARENT_FAILED
    return End(state, kind, f"it needs {_tell(culprit, reasons)}")
