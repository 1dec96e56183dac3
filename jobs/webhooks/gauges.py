"""How the telling of others goes: what waits, since when, and what was given up."""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Min

from jobs.domain.delivery import DeliveryState
from jobs.models import Delivery

EVERY = timedelta(seconds=10)
LATELY = timedelta(hours=1)


class WebhookGauges:
    """One leader's; asks the database now and then, by small indexes."""

    def __init__(self) -> None:
        self._seen: dict[str, Any] = {}
        self._at: datetime | None = None

    def read(self, now: datetime) -> dict[str, Any]:
        """The figures, as they were last seen."""
        if self._at is None or not timedelta(0) <= now - self._at < EVERY:
            self._at, self._seen = now, _look(now)
        return self._seen


def _look(now: datetime) -> dict[str, Any]:
    pending = Delivery.objects.filter(state=DeliveryState.PENDING)
    seen = pending.aggregate(count=Count("pk"), oldest=Min("created_at"))
    ended = Delivery.objects.filter(ended_at__gte=now - LATELY).order_by()
    lately = dict(ended.values_list("state").annotate(count=Count("pk")))
    oldest = seen["oldest"]
    return {
        "pending": seen["count"],
        "oldest_seconds": max((now - oldest).total_seconds(), 0.0) if oldest else 0.0,
        "delivered_last_hour": lately.get(DeliveryState.DELIVERED, 0),
        "failed_last_hour": lately.get(DeliveryState.FAILED, 0),
    }
