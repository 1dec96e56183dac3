"""Takes jobs in: everything is checked first, then stored in one transaction or not at all."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar, Unpack

from django.db import IntegrityError, transaction
from django.utils import timezone

from hive_site.kernel.crash import crash_point
from hive_site.kernel.errors import Invalid, Unprocessable
from jobs.blobs import keep
from jobs.dependencies import Parent
from jobs.descendants import lock_jobs, settle_blocked
from jobs.domain.quotes import MARK
from jobs.domain.states import JOB_OPEN, JobState, Role, SubtaskState
from jobs.ids import new_job_id
from jobs.intake import store_items
from jobs.models import Edge, IdempotencyKey, Job, Subtask
from jobs.validation import Wish, WishFields, check_wish
from jobs.webhooks.outbox import note_end
from nodes.inbox import ring
from nodes.leadership import present_number

T = TypeVar("T")


class KeyReused(Unprocessable):
    """The idempotency key was used before, for another request."""


@dataclass(frozen=True, slots=True)
class Idempotency:
    """A caller's key, and what it was sent with."""

    key: str
    caller: str
    fingerprint: str


def submit_job(
    *, submitted_by: str = "", may_pickle: bool = False, **wish: Unpack[WishFields]
) -> Job:
    """Store a job with one subtask for each item, and wake the Foreman.

    Without `items` there is one subtask, whose item is None. Raises `Invalid` with the field's
    name, `TooLarge` for too many items, `NotAllowed` for a task with `codec="pickle"` unless
    the caller `may_pickle`; nothing is stored then.
    """
    checked = keep_large(check_wish(wish, now=timezone.now(), may_pickle=may_pickle))
    with transaction.atomic():
        return _store(checked, submitted_by)


def submit_as(job_id: str, *, submitted_by: str = "", **wish: Unpack[WishFields]) -> Job | None:
    """Like `submit_job`, under a given id; None if there is a job of that id already."""
    if Job.objects.filter(pk=job_id).exists():
        return None
    checked = keep_large(check_wish(wish, now=timezone.now()))
    with transaction.atomic():
        return _store(checked, submitted_by, id=job_id)


def submit_once(
    idempotency: Idempotency,
    *,
    submitted_by: str = "",
    may_pickle: bool = False,
    **wish: Unpack[WishFields],
) -> tuple[Job, bool]:
    """Like `submit_job`, but the same key gives the same job; with True if it was there before.

    Raises `KeyReused` if the key came with another request.
    """
    return once(
        idempotency,
        check=lambda: keep_large(check_wish(wish, now=timezone.now(), may_pickle=may_pickle)),
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


def keep_large(wish: Wish) -> Wish:
    """The wish with references to what is large in it, which is stored from now on.

    Before the transaction that needs it, so that nobody waits for a disk there. What quotes
    parents stays where it can be written into.
    """
    texts = [wish.columns["kwargs"], *wish.items]
    quotes = [bool(wish.parents) and MARK in text for text in texts]
    kept = iter(keep([text for text, quote in zip(texts, quotes, strict=True) if not quote]))
    kwargs, *items = [t if quote else next(kept) for t, quote in zip(texts, quotes, strict=True)]
    return replace(wish, columns={**wish.columns, "kwargs": kwargs}, items=items)


def _find_earlier(idempotency: Idempotency) -> Job | None:
    row = (
        IdempotencyKey.objects.select_related("job")
        .filter(key=idempotency.key, caller=idempotency.caller)
        .first()
    )
    if row and row.fingerprint != idempotency.fingerprint:
        raise KeyReused(f"the key {idempotency.key!r} came with another request; take a new one")
    return row.job if row else None


def _store(wish: Wish, submitted_by: str, **columns: str) -> Job:
    job = store_wish(wish, submitted_by=submitted_by, **columns)
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
    if job.state == JobState.SUCCEEDED and job.webhook:
        note_end(job.pk)
    if wish.items:
        store_items(job.pk, wish.items)
    if job.reduce:
        _store_reduction(job)
    if wish.parents:
        _store_parents(job, wish.parents)
        if not JOB_OPEN.issuperset(states):
            settle_blocked([job.pk], timezone.now(), present_number())
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


def _store_reduction(job: Job) -> None:
    """The reduction comes after the last item; of no items it can start at once."""
    Subtask.objects.create(
        job=job,
        index=job.total,
        role=Role.REDUCE,
        state=SubtaskState.BLOCKED if job.total else SubtaskState.WAITING,
        item="null" if job.total else "[]",
    )
