"""Writes down what happened, in the transaction that makes it true."""

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
    """A new event. Its hash comes later, from whoever leads: so the chain has one order."""
    return OtaEvent.objects.create(
        at=now, what=what, who=who, reason=reason[:500], release=release, node=node, rollout=rollout
    )
