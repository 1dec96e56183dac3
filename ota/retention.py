"""Forgets the oldest events of updates, and keeps what is left of their chain provable.

They go from the beginning only. The last one that went is the anchor, where the chain begins from
now on, and an event in the chain names it: whoever takes out more, or moves the anchor, is seen.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from ota.journal import record
from ota.models import Answered, ChainAnchor, OtaEvent
from ota.services.once import KEPT

FORGOTTEN = "forgotten"


def old_events(now: datetime) -> QuerySet[OtaEvent]:
    """The events at the beginning of the chain whose time is over, up to the first younger one."""
    ttl = timedelta(seconds=settings.HIVE.audit_ttl)
    chain = OtaEvent.objects.exclude(place=None)
    # In the order of places: the first is found at once as long as nothing is old.
    young = chain.filter(at__gte=now - ttl).order_by("place").first()
    return chain if young is None else chain.filter(place__lt=young.place)


def forget_events(now: datetime, limit: int) -> int:
    """Delete up to `limit` of the oldest events; how many. Whoever is second does nothing."""
    with transaction.atomic():
        oldest = list(old_events(now).order_by("place").values_list("place", "hash")[:limit])
        if not oldest:
            return 0
        place, link = oldest[-1]
        anchor, _ = ChainAnchor.objects.get_or_create(pk=1)
        mine = ChainAnchor.objects.filter(pk=1, place=anchor.place)
        if not mine.update(place=place, hash=link):
            return 0
        gone = OtaEvent.objects.filter(place__lte=place).delete()[0]
        record(what=FORGOTTEN, reason=str(ChainAnchor(place=place, hash=link)), now=now)
    return gone


def unattested() -> ChainAnchor | None:
    """The anchor of the chain if no event names it, though there should be one."""
    anchor = ChainAnchor.objects.filter(pk=1).exclude(place=0).first()
    named = anchor and OtaEvent.objects.filter(what=FORGOTTEN, reason=str(anchor)).exists()
    return None if named else anchor


def forget_answered(now: datetime, limit: int) -> int:
    """Delete up to `limit` keys that make a POST safe to repeat; how many."""
    rows = Answered.objects.filter(created_at__lt=now - KEPT)
    return Answered.objects.filter(pk__in=list(rows.values_list("pk", flat=True)[:limit])).delete()[
        0
    ]


#: What `hive prune` deletes, each in small transactions.
STAGES: dict[str, Callable[[datetime, int], int]] = {
    "update events": forget_events,
    "update keys": forget_answered,
}


def count_due(now: datetime) -> dict[str, int]:
    """How much of each is due now."""
    return {
        "update events": old_events(now).count(),
        "update keys": Answered.objects.filter(created_at__lt=now - KEPT).count(),
    }
