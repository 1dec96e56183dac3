"""Takes jobs in: everything is checked first, then stored in one transaction or not at all."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeVar, Unpack

from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from hive_site.kernel.crash import crash_point
from hive_site.kernel.errors import Invalid, Unprocessable
from jobs.dependencies import Parent
from jobs.descendants import lock_jobs, settle_blocked
from jobs.domain.states import JOB_OPEN, JobState, Role, SubtaskState
from jobs.ids import new_job_id
from jobs.models import Edge, IdempotencyKey, Job, Subtask
from jobs.validation import Wish, WishFields, check_wish
from nodes.inbox import ring

T = TypeVar("T")
#: bulk_create spends ten times as long on building objects as the database on storing rows.
INSERT = """
    INSERT INTO jobs_subtask (job_id, "index", role, state, item, node,
                              attempt, attempts, errors, crashes, losses)
    VALUES (%s, %s, 'map', 'waiting', %s, '', 0, 0, 0, 0, 0)
"""


class KeyReused(Unprocessable):
    """The idempotency key was used before, for another request."""


@dataclass(frozen=True, slots=True)
class Idempotency:
    """A caller's key, and what it was sent with."""

    key: str
    caller: str
    fingerprint: str


def submit_job(*, submitted_by: str = "", **wish: Unpack[WishFields]) -> Job:
    """Store a job with one subtask for each item, and wake the Foreman.

    Without `items` there is one subtask, whose item is None. Raises `Invalid` with the field's
    name, `TooLarge` for too many items; nothing is stored then.
    """
    with transaction.atomic():
        return _store(check_wish(wish, now=timezone.now()), submitted_by)


def submit_once(
    idempotency: Idempotency, *, submitted_by: str = "", **wish: Unpack[WishFields]
) -> tuple[Job, bool]:
    """Like `submit_job`, but the same key gives the same job; with True if it was there before.

    Raises `KeyReused` if the key came with another request.
    """
    return once(
        idempotency,
        check=lambda: check_wish(wish, now=timezone.now()),
        store=lambda checked: _store(checked, submitted_by),
    )


def once(
    idempotency: Idempotency, *, check: Callable[[], T], store: Callable[[T], Job]
) -> tuple[Job, bool]:
    """The job that `store` makes of what `check` returns, or the one that the key made before;
    with True if it was there before. Raises `KeyReused`."""
    earlier = _find_earlier(idempotency)
    if earlier:
        return earlier, True
    checked = check()
    try:
        with transaction.atomic():
            row = IdempotencyKey.objects.create(
                key=idempotency.key,
                caller=idempotency.caller,
                fingerprint=idempotency.fingerprint,
            )
            job = store(checked)
            IdempotencyKey.objects.filter(pk=row.pk).update(job=job)
            return job, False
    except IntegrityError:
        # the same request arrived a moment earlier
        earlier = _find_earlier(idempotency)
        if earlier is None:
            raise
        return earlier, True


def _find_earlier(idempotency: Idempotency) -> Job | None:
    row = (
        IdempotencyKey.objects.select_related("job")
        .filter(key=idempotency.key, caller=idempotency.caller)
        .first()
    )
    if row and row.fingerprint != idempotency.fingerprint:
        raise KeyReused(f"the key {idempotency.key!r} came with another request; take a new one")
    return row.job if row else None


def _store(wish: Wish, submitted_by: str) -> Job:
    job = store_wish(wish, submitted_by=submitted_by)
    announce(job)
    return job


def store_wish(wish: Wish, *, submitted_by: str = "", **columns: str) -> Job:
    """Store a job in the caller's transaction; `columns` may give its id and where it belongs.

    Raises `Invalid` for parents that do not exist.
    """
    states = lock_parents(wish.parents)
    columns = {"id": new_job_id(), "submitted_by": submitted_by[:150], **columns}
    job = Job(total=len(wish.items), **columns, **wish.columns)
    if wish.parents:
        job.state, job.depends_on = JobState.BLOCKED, [parent.job for parent in wish.parents]
    elif not (wish.items or job.reduce):
        job.state, job.finished_at = JobState.SUCCEEDED, job.created_at
    job.save(force_insert=True)
    _store_items(job, wish.items)
    if job.reduce:
        _store_reduction(job)
    if wish.parents:
        _store_parents(job, wish.parents)
        if not JOB_OPEN.issuperset(states):
            settle_blocked([job.pk], timezone.now())
            job.refresh_from_db()
    return job


def announce(job: Job) -> None:
    """Wake the Foreman once the caller's transaction is over."""
    transaction.on_commit(partial(crash_point, "nexus.stored"))
    transaction.on_commit(partial(ring, "job", job.pk))


def lock_parents(parents: list[Parent]) -> list[str]:
    """The states of these jobs, none of which ends before the caller's transaction does."""
    if not parents:
        return []
    states = lock_jobs(parent.job for parent in parents)
    for parent in parents:
        if parent.job not in states:
            raise Invalid(f"no job has the id {parent.job!r}", field="depends_on")
    return list(states.values())


def _store_parents(job: Job, parents: list[Parent]) -> None:
    Subtask.objects.filter(job=job).update(state=SubtaskState.BLOCKED)
    Edge.objects.bulk_create(
        Edge(
            child=job,
            parent_id=parent.job,
            name=parent.name,
            allow_failure=parent.allow_failure,
            feeds=parent.feeds,
        )
        for parent in parents
    )


def _store_items(job: Job, items: list[str]) -> None:
    if items:
        with connection.cursor() as cursor:
            cursor.executemany(INSERT, [(job.pk, index, item) for index, item in enumerate(items)])


def _store_reduction(job: Job) -> None:
    """The reduction comes after the last item; of no items it can start at once."""
    Subtask.objects.create(
        job=job,
        index=job.total,
        role=Role.REDUCE,
        state=SubtaskState.BLOCKED if job.total else SubtaskState.WAITING,
        item="null" if job.total else "[]",
    )
