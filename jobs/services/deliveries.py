"""Gives a webhook that failed another chance."""

from django.utils import timezone

from hive_site.kernel.errors import Conflict, NotFound
from jobs.domain.delivery import DeliveryState
from jobs.models import Delivery

AGAIN = (DeliveryState.PENDING, DeliveryState.FAILED)


def retry_delivery(*, delivery_id: str) -> Delivery:
    """Send it again now, with all its tries; a Foreman does so within a second or two.

    Raises `NotFound`, or `Conflict` if it was delivered.
    """
    mine = Delivery.objects.filter(pk=delivery_id)
    moved = mine.filter(state__in=AGAIN).update(
        state=DeliveryState.PENDING, tries=0, next_at=timezone.now(), ended_at=None
    )
    row = mine.first()
    if row is None:
        raise NotFound(f"no delivery has the id {delivery_id!r}")
    if not moved:
        raise Conflict(f"{delivery_id} was delivered; its body is not kept")
    return row
