"""What the autoscaler writes down of nodes: a drain that is its own, and rows of machines that are
gone. It is in the database, so that a new leader goes on where the last one stopped."""

from contextlib import suppress

from django.db import transaction
from django.utils import timezone

from hive_site.kernel.errors import Conflict, NotFound
from nodes.domain.scaling_machines import LEAVING
from nodes.domain.states import Intent
from nodes.invitations import revoke_credential
from nodes.models import Node, NodeCredential
from nodes.roster import Seat
from nodes.services import forget_node


def is_leaving(seat: Seat) -> bool:
    """Whether its drain is ours."""
    return LEAVING in seat.set_labels


def drain(seat: Seat) -> bool:
    """Give the node no more work, for it is to be removed; False if somebody was faster."""
    return _move(seat, Intent.WORK, Intent.DRAIN, leaving=True)


def resume(seat: Seat) -> bool:
    """Give the node work again after all; False if somebody was faster."""
    return _move(seat, Intent.DRAIN, Intent.WORK, leaving=False)


def settle(seat: Seat) -> None:
    """Somebody else resumed a node that we drained: its next drain is not ours."""
    if is_leaving(seat) and seat.intent is not Intent.DRAIN:
        _move(seat, seat.intent, seat.intent, leaving=False)


def forget(name: str) -> None:
    """Delete the row of a node whose machine is gone for good. If it was invited, its key and its
    user of Redis go, too."""
    with suppress(Conflict, NotFound):  # it came back, or somebody was faster
        forget_node(name=name)
        if NodeCredential.objects.filter(name=name, revoked_at=None).exists():
            revoke_credential(name, who="autoscaling", now=timezone.now())


@transaction.atomic
def _move(seat: Seat, before: Intent, after: Intent, *, leaving: bool) -> bool:
    rows = Node.objects.select_for_update().filter(name=seat.name, intent=before)
    # As they are now: an operator may have changed them since we read wishes.
    labels = rows.values_list("set_labels", flat=True).first()
    if labels is None:
        return False
    labels = {name: text for name, text in labels.items() if name != LEAVING}
    labels |= {LEAVING: "true"} if leaving else {}
    rows.update(intent=after, set_labels=labels)
    # At once, not with the next reading of wishes: nothing must be sent there in between.
    seat.intent, seat.set_labels = after, labels
    return True
