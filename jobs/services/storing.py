"""Writes jobs that hold into the database: one, or a whole graph in as few statements."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from django.utils import timezone

from hive_site.kernel.errors import Invalid
from hive_site.kernel.prepared import PreparedInsert
from jobs.descendants import lock_jobs, settle_waiting
from jobs.domain.states import JOB_OPEN, JobState, Role, SubtaskState
from jobs.finisher import Settled
from jobs.intake import Row, store_rows
from jobs.models import Edge, Job, Subtask
from jobs.traces import begin_job
from jobs.validation import Wish
from jobs.webhooks.outbox import note_end
from nodes.leadership import present_number

INSERT_JOBS = PreparedInsert(Job)
#: A job as it will be stored, and what it was made of.
Made = tuple[Job, Wish]


def make_job(wish: Wish, **columns: str) -> Job:
    """The job of a wish, not yet stored; `columns` give its id and where it belongs."""
    job = Job(total=len(wish.items), **columns, **wish.columns)
    if wish.parents:
        job.state, job.depends_on = JobState.BLOCKED, [parent.job for parent in wish.parents]
    elif not (wish.items or job.reduce):
        job.state, job.finished_at = JobState.SUCCEEDED, job.created_at
    job.traceparent = begin_job(job)
    return job


def store_jobs(made: Sequence[Made]) -> list[Settled]:
    """Store jobs in the caller's transaction; what became of those whose parents have ended.

    Raises `Invalid` for parents that do not exist.
    """
    states = _lock_parents(made)
    INSERT_JOBS.store(job for job, _ in made)
    if any(wish.items for _, wish in made):
        store_rows(_rows(made))
    Subtask.objects.bulk_create(_reduction(job) for job, _ in made if job.reduce)
    store_edges(made)
    for job, _ in made:
        if job.state == JobState.SUCCEEDED and job.webhook:
            note_end(job.pk)
    decided = [job.pk for job, wish in made if _may_be_decided(wish, states)]
    return settle_waiting(decided, timezone.now(), present_number()) if decided else []


def _lock_parents(made: Iterable[Made]) -> dict[str, str]:
    """The states of these jobs and of their parents, none of which ends meanwhile."""
    states = {job.pk: str(job.state) for job, _ in made}
    others = {p.job for _, wish in made for p in wish.parents} - states.keys()
    if others:
        states |= lock_jobs(others)
    for job, wish in made:
        for parent in wish.parents:
            if parent.job not in states:
                field = f"jobs.{job.name}.depends_on" if job.name else "depends_on"
                raise Invalid(f"no job has the id {parent.job!r}", field=field)
    return states


def _rows(made: Iterable[Made]) -> Iterator[Row]:
    for job, wish in made:
        state = SubtaskState.BLOCKED if wish.parents else SubtaskState.WAITING
        for index, item in enumerate(wish.items):
            yield job.pk, index, state.value, item


def _reduction(job: Job) -> Subtask:
    """The reduction comes after the last item; of no items it can start at once."""
    waits = job.total or job.state == JobState.BLOCKED
    return Subtask(
        job=job,
        index=job.total,
        role=Role.REDUCE,
        state=SubtaskState.BLOCKED if waits else SubtaskState.WAITING,
        item="null" if job.total else "[]",
    )


def store_edges(made: Iterable[Made]) -> None:
    """Write down which of these jobs wait for whom."""
    Edge.objects.bulk_create(
        Edge(
            child=job,
            parent_id=parent.job,
            name=parent.name,
            allow_failure=parent.allow_failure,
            feeds=parent.feeds,
        )
        for job, wish in made
        for parent in wish.parents
    )


def _may_be_decided(wish: Wish, states: Mapping[str, str]) -> bool:
    return any(states[parent.job] not in JOB_OPEN for parent in wish.parents)
