"""The chain of events: each row's hash covers the row before, so none can be changed or taken out.

Anybody writes events, within whatever transaction makes them true. The Foreman alone gives them
their places, so that the chain has one order and nobody waits for its end. The oldest are
forgotten together (ota/retention.py), and then the chain begins behind them, at its anchor.
"""

import hashlib
import json
from collections.abc import Iterator
from datetime import UTC

from django.db.models import F

from ota.models import ChainAnchor, OtaEvent

#: Events that one transaction appends.
AT_ONCE = 500


def append_events() -> int:
    """Append what is not in the chain yet, the oldest first; how many that were.

    For the one who leads, inside of a transaction that confirmed it.
    """
    fresh = list(OtaEvent.objects.filter(place=None).order_by("pk")[:AT_ONCE])
    if fresh:
        end = OtaEvent.objects.exclude(place=None).order_by("-place").first()
        place, link = (end.place or 0, end.hash) if end else _beginning()
        for event in fresh:
            place, link = place + 1, digest_event(link, event)
            event.place, event.hash = place, link
        OtaEvent.objects.bulk_update(fresh, ["place", "hash"])
    return len(fresh)


def digest_event(before: str, event: OtaEvent) -> str:
    """The hash of an event behind the one with that hash."""
    row = [
        event.at.astimezone(UTC).isoformat(),
        event.rollout_id or "",
        event.release,
        event.node,
        event.who,
        event.what,
        event.reason,
    ]
    return hashlib.sha256(f"{before}{json.dumps(row)}".encode()).hexdigest()


def broken_links() -> Iterator[OtaEvent]:
    """The events whose hash is not what it should be behind the event before."""
    place, link = _beginning()
    for event in OtaEvent.objects.exclude(place=None).order_by(F("place")).iterator():
        place += 1
        if event.place != place or event.hash != digest_event(link, event):
            yield event
        place, link = event.place or 0, event.hash


def _beginning() -> tuple[int, str]:
    """Place and hash of what stands before the first event that is still there."""
    anchor = ChainAnchor.objects.filter(pk=1).first()
    return (anchor.place, anchor.hash) if anchor else (0, "")
