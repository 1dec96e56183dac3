"""Takes jobs in: everything is checked first, then stored in one transaction or not at all."""

from dataclasses import dataclass
from functools import partial
from typing import Unpack

from django.db import IntegrityError, transaction
from django.utils import timezone

from hive_site.kernel.crash import crash_point
from hive_site.kernel.errors import Unprocessable
from jobs.blobs import keep
from jobs.domain.states import JobState, Role, SubtaskState
from jobs.ids import new_job_id
from jobs.intake import store_items
from jobs.models import IdempotencyKey, Job, Subtask
from jobs.validation import Wish, WishFields, check_wish
from jobs.webhooks.outbox import note_end
from nodes.inbox import ring


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
    checked = check_wish(wish, now=timezone.now())
    with transaction.atomic():
        return _store(checked, submitted_by, job_id=job_id)


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
    earlier = _find_earlier(idempotency)
    if earlier:
        return earlier, True
    checked = keep_large(check_wish(wish, now=timezone.now(), may_pickle=may_pickle))
    try:
        with transaction.atomic():
            row = IdempotencyKey.objects.create(
                key=idempotency.key,
                caller=idempotency.caller,
                fingerprint=idempotency.fingerprint,
            )
            job = _store(checked, submitted_by)
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

    Before the transaction that needs it, so that nobody waits for a disk there.
    """
    kwargs, *items = keep([wish.columns["kwargs"], *wish.items])
    return Wish(columns={**wish.columns, "kwargs": kwargs}, items=items)


def _find_earlier(idempotency: Idempotency) -> Job | None:
    row = (
        IdempotencyKey.objects.select_related("job")
        .filter(key=idempotency.key, caller=idempotency.caller)
        .first()
    )
    if row and row.fingerprint != idempotency.fingerprint:
        raise KeyReused(f"the key {idempotency.key!r} came with another request; take a new one")
    return row.job if row else None


def _store(wish: Wish, submitted_by: str, *, job_id: str = "") -> Job:
    job = Job(
        id=job_id or new_job_id(),
        total=len(wish.items),
        submitted_by=submitted_by[:150],
        **wish.columns,
    )
    if not (wish.items or job.reduce):
        job.state, job.finished_at = JobState.SUCCEEDED, job.created_at
    job.save(force_insert=True)
    if job.state == JobState.SUCCEEDED and job.webhook:
        note_end(job.pk)
    if wish.items:
        store_items(job.pk, wish.items)
    if job.reduce:
        _store_reduction(job)
    transaction.on_commit(partial(crash_point, "nexus.stored"))
    transaction.on_commit(partial(ring, "job", job.pk))
    return job


def _store_reduction(job: Job) -> None:
    """The reduction comes after the last item; of no items it can start at once."""
    Subtask.objects.create(
        job=job,
        index=job.total,
        role=Role.REDUCE,
        state=SubtaskState.BLOCKED if job.total else SubtaskState.WAITING,
        item="null" if job.total else "[]",
    )
