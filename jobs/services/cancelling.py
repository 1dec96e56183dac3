"""Stops jobs, one or any number of them."""

from collections.abc import Collection
from functools import partial

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from jobs.descendants import AT_ONCE, lock_jobs, settle_children
from jobs.domain.states import JOB_OPEN, JobState
from jobs.finisher import Settled
from jobs.models import Job
from jobs.unstarted import End, end_unstarted
from nodes.inbox import ring, tell
from nodes.leadership import present_number

CANCELLED = End(JobState.CANCELLED)


def cancel(jobs: QuerySet[Job]) -> int:
    """Stop those of these jobs that have not ended; how many. The caller wakes the Foreman.

    Those that wait for others end here, as nothing of them is in flight; the Foreman ends the
    rest. In several transactions: whoever ends a parent takes it and then its children, so nobody
    who has taken children may wait for a parent.
    """
    ended = _end_blocked(jobs)
    # After them: what was let go meanwhile is among these.
    theirs = jobs.filter(state__in=JOB_OPEN).order_by().values("pk")
    stopped = Job.objects.open().filter(pk__in=theirs).update(state=JobState.CANCELLING)
    for start in range(0, len(ended), AT_ONCE):
        with transaction.atomic():
            page = _still_so(ended[start : start + AT_ONCE])
            _announce(settle_children(page, timezone.now(), present_number()))
    return len(ended) + stopped


def _still_so(ended: Collection[Settled]) -> list[Settled]:
    """Those that nobody retried in between, and nobody will before the transaction is over."""
    states = lock_jobs(one.job for one in ended)
    return [one for one in ended if states.get(one.job) == one.state]


def _end_blocked(jobs: QuerySet[Job]) -> list[Settled]:
    """Before any child of them is looked at: one that is meant too ends on its own account."""
    ended: list[Settled] = []
    while some := _end_some(jobs):
        ended += some
    return ended


def _end_some(jobs: QuerySet[Job]) -> list[Settled]:
    """Of what somebody else has in hand nobody waits for the end: they might wait for us."""
    blocked = jobs.filter(state=JobState.BLOCKED).order_by("pk")
    with transaction.atomic():
        free = blocked.select_for_update(skip_locked=True, no_key=True)
        page = list(free.values_list("pk", flat=True)[:AT_ONCE])
        some = end_unstarted(dict.fromkeys(page, CANCELLED), timezone.now(), present_number())
        _announce(some)
    return some


def _announce(settled: Collection[Settled]) -> None:
    """Tell who waits for these, and the Foreman what it is to place or to settle."""
    if ended := [one.job for one in settled if one.state]:
        transaction.on_commit(partial(tell, jobs=ended, ended=ended))
    if released := [one.job for one in settled if one.released]:
        transaction.on_commit(partial(ring, "job", *released))
    if any(one.more for one in settled):
        transaction.on_commit(partial(ring, "queue"))
