"""What becomes of updates when an operator deletes a node: nobody waits for it any more."""

from typing import Any

from django.utils import timezone

from nodes.models import Node
from ota.domain.states import DeploymentState
from ota.journal import record
from ota.models import Deployment, Home

REASON = "its node was deleted"


def forget_home(instance: Node, **_: Any) -> None:
    """A receiver of `post_delete`, inside the transaction that deletes the node."""
    now, name = timezone.now(), instance.name
    waiting = Deployment.objects.filter(node=name, state=DeploymentState.DEFERRED)
    rows = waiting | Deployment.objects.filter(node=name, open=True)
    for row in rows.select_related("rollout__release"):
        if row.state not in (DeploymentState.HEALTHY, DeploymentState.CANCELED):
            row.state, row.code, row.reason = DeploymentState.CANCELED, "", REASON
            row.changed_at = now
        row.open = False
        row.save(update_fields=["state", "code", "reason", "changed_at", "open"])
        record(
            what="removed",
            now=now,
            reason=REASON,
            release=row.rollout.release.version,
            node=name,
            rollout=row.rollout,
        )
    # If it comes back it is a new one. It says itself up to where it heard orders (`rev`).
    Home.objects.filter(pk=name).delete()
