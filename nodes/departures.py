"""Nodes of pools that left: their names never come back, so their rows go by themselves.

A machine with a name of its own stays in the list when it is lost, until somebody deletes it.
"""

from datetime import datetime, timedelta

import structlog
from django.db import transaction
from django.db.models import Q

from hive_site.kernel.envelope import POOL_MARK
from nodes.domain.liveness import SHUT_DOWN
from nodes.domain.states import NodeState
from nodes.leadership import Leadership
from nodes.models import Node

log = structlog.get_logger()
LOOK_EVERY = timedelta(seconds=20)
#: Who said goodbye is missed by nobody. Who did not is worth a look.
AFTER_GOODBYE, AFTER_A_LOSS = timedelta(minutes=1), timedelta(hours=1)


class Departures:
    """Belongs to one Foreman."""

    def __init__(self, leadership: Leadership) -> None:
        self._leadership = leadership
        self._next_at: datetime | None = None

    def forget(self, now: datetime) -> None:
        """Delete those that left long enough ago; the next round drops them from the roster."""
        if self._next_at and now < self._next_at:
            return
        self._next_at = now + LOOK_EVERY
        left = Q(reason=SHUT_DOWN, last_seen__lt=now - AFTER_GOODBYE)
        lost = Q(last_seen__lt=now - AFTER_A_LOSS)
        gone = Node.objects.filter(left | lost, state=NodeState.LOST, name__contains=POOL_MARK)
        names = list(gone.values_list("name", flat=True))
        if not names:
            return
        with transaction.atomic():
            self._leadership.confirm(now)
            gone.filter(name__in=names).delete()
        log.info("nodes.forgotten", nodes=names)
