"""Keeps the roster and the database's nodes in step: wishes in, what was seen out."""

from collections.abc import Callable
from datetime import datetime
from functools import partial

import structlog
from redis import Redis

from nodes.credentials import load_standings
from nodes.domain.liveness import REVOKED
from nodes.domain.states import NodeState
from nodes.keyring import Keyring
from nodes.models import Node
from nodes.orders import send_orders
from nodes.ports import Updates
from nodes.records import refresh_wishes, save_loads, save_seats
from nodes.roster import Roster, Seat
from nodes.watch import GROUP, Watch

log = structlog.get_logger()


class Registrar:
    """Belongs to one Foreman."""

    def __init__(self, client: Redis, watch: Watch, updates: Updates, *, keyring: Keyring) -> None:
        self._client, self._watch, self._updates = client, watch, updates
        self._keyring = keyring
        #: How often wishes were read.
        self._readings = 0
        #: What was written of each node that seldom changes.
        self._written: dict[str, tuple[object, ...]] = {}

    def forget(self) -> None:
        """Somebody else may have written meanwhile."""
        self._written.clear()

    def save(self, seats: list[Seat]) -> None:
        """Write what is known of these nodes; of most, only their loads have changed."""
        stays = {seat.name: _what_stays(seat) for seat in seats}
        same = {name for name, known in stays.items() if known == self._written.get(name)}
        save_seats(seat for seat in seats if seat.name not in same)
        save_loads(seat for seat in seats if seat.name in same)
        self._written |= stays

    def read_credentials(self, roster: Roster) -> None:
        """Learn who was revoked or invited anew. Whoever was revoked is lost, and stays so."""
        self._keyring.take(load_standings())
        out = [seat for seat in map(roster.get, self._keyring.revoked()) if seat and _is_in(seat)]
        for seat in out:
            log.warning("node.revoked", node=seat.name, was=seat.state)
            seat.state, seat.reason = NodeState.LOST, REVOKED
            self._watch.forget(seat.name)
        self.save(out)

    def follow_wishes(self, roster: Roster) -> None:
        """Take note of what operators want of every node, and hand it on."""
        for send in self.read_wishes(roster):
            send()

    def read_wishes(self, roster: Roster) -> list[Callable[[], None]]:
        """Take note of what operators want; what sends the orders, those of some nodes each.

        Nodes that they deleted are dropped.
        """
        self.read_credentials(roster)
        rows = refresh_wishes(roster)
        self._readings += 1
        for name in {seat.name for seat in roster} - {node.name for node in rows}:
            self._watch.forget(name)
            self._written.pop(name, None)
            roster.drop(name)
        groups = (rows[at : at + GROUP] for at in range(0, len(rows), GROUP))
        return [partial(self._send_newest, self._readings, some) for some in groups]

    def _send_newest(self, reading: int, rows: list[Node]) -> None:
        # Wishes that were read again meanwhile, and sent, are not to be undone.
        if reading == self._readings:
            self.send_orders(rows)

    def update(self, roster: Roster, now: datetime) -> None:
        """Go on with updates, and send orders to the nodes of which something else is wanted."""
        if names := self._updates.conduct(roster, now):
            self.send_orders(list(Node.objects.filter(name__in=names)))

    def send_orders(self, rows: list[Node]) -> None:
        """Leave these nodes' orders where their agents look."""
        send_orders(self._client, rows, keyring=self._keyring, revs=self._updates.revs())


def _is_in(seat: Seat) -> bool:
    """Whether a node that was revoked is still taken for one of us."""
    return seat.state is not NodeState.LOST or seat.reason != REVOKED


def _what_stays(seat: Seat) -> tuple[object, ...]:
    """All that is written of a node, but for its loads and when it was seen."""
    beat = seat.beat
    return (
        *(seat.state, seat.reason, tuple(seat.losses)),
        *(beat.incarnation, beat.slots, beat.labels, beat.capabilities, beat.gpus),
        *(beat.release, beat.agent_version, beat.platform),
    )
