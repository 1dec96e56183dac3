"""Writes down what happened; each row's hash covers the one before, so that none can go."""

import hashlib
import json
from datetime import datetime

from django.db import transaction

from ota.models import OtaEvent, Rollout


@transaction.atomic
def record(
    *,
    what: str,
    now: datetime,
    who: str = "",
    reason: str = "",
    release: str = "",
    node: str = "",
    rollout: Rollout | None = None,
) -> OtaEvent:
    """Append one event."""
    last = OtaEvent.objects.select_for_update().order_by("-id").first()
    row = OtaEvent(
        at=now, what=what, who=who, reason=reason[:500], release=release, node=node, rollout=rollout
    )
    row.hash = hash_of(row, last.hash if last else "")
    row.save(force_insert=True)
    return row


def hash_of(row: OtaEvent, before: str) -> str:
    """What the row's hash has to be, behind a row with the hash `before`."""
    parts = (row.at.isoformat(), row.what, row.who, row.reason, row.release, row.node)
    told = json.dumps([before, *parts, row.rollout_id or ""])
    return hashlib.sha256(told.encode()).hexdigest()
