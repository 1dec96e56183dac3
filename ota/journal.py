"""Writes down what happened. The Foreman appends it to the chain (ota/chain.py)."""

from datetime import datetime

from ota.models import OtaEvent, Rollout


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
    """Note one event."""
    return OtaEvent.objects.create(
        at=now,
        what=what,
        who=who[:150],
        reason=reason[:500],
        release=release,
        node=node,
        rollout=rollout,
    )
