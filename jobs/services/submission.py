"""Takes jobs in: everything is checked first, then stored in one transaction or not at all."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar, Unpack

from django.db import IntegrityError, transaction
from django.utils import timezone

from hive_site.kernel.crash import crash_point
from hive_site.kernel.errors import Unprocessable
from jobs.blobs import keep
from jobs.domain.quotes import MARK
from jobs.ids import new_job_id
from jobs.models import IdempotencyKey, Job
from jobs.services.storing import make_job, store_jobs
from jobs.validation import Wish, WishFields, check_wish
from nodes.inbox import ring

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
    announce([job.pk])
    return job


def store_wish(wish: Wish, *, submitted_by: str = "", **columns: str) -> Job:
    """Store a job in the caller's transaction; `columns` may give its id and where it belongs.

    Raises `Invalid` for parents that do not exist.
    """
    columns = {"id": new_job_id(), "submitted_by": submitted_by[:150], **columns}
    job = make_job(wish, **columns)
    if store_jobs([(job, wish)]):
        job.refresh_from_db()
    return job


def announce(jobs: Collection[str]) -> None:
    """Wake the Foreman for these jobs, if any, once the caller's transaction is over."""
    transaction.on_commit(partial(crash_point, "nexus.stored"))
    if jobs:
        transaction.on_commit(partial(ring, "job", *jobs))
