"""The roster in the database: loaded by a new leader, written when something changed."""

from collections.abc import Iterable

from django.db import connection, transaction

from nodes.domain.beats import Beat
from nodes.domain.states import Intent, NodeState
from nodes.models import Node
from nodes.roster import Roster, Seat

COLUMNS = [
    "state",
    "reason",
    "incarnation",
    "slots",
    "own_labels",
    "capabilities",
    "gpus",
    "cpu",
    "memory",
    "release",
    "agent_version",
    "platform",
    "last_seen",
    "losses",
]

#: What operators want, and what their orders say.
WISHES = ("name", "intent", "set_labels", "forgiven_at", "state", "incarnation", "wanted_slots")
LOADS = "UPDATE nodes_node SET cpu = %s, memory = %s, last_seen = %s WHERE name = %s"


def load_roster() -> Roster:
    """Every node as the last leader left it."""
    return Roster(_seat(node) for node in Node.objects.all())


def refresh_wishes(roster: Roster) -> list[Node]:
    """Read again what operators want. Returns the rows; a node without one was deleted."""
    rows = list(Node.objects.only(*WISHES))
    for node in rows:
        if seat := roster.get(node.name):
            seat.intent, seat.set_labels = Intent(node.intent), node.set_labels
            if node.forgiven_at:
                since = node.forgiven_at.timestamp()
                seat.losses = [at for at in seat.losses if at > since]
    return rows


def save_seats(seats: Iterable[Seat]) -> None:
    """Write what the roster knows of these nodes; new ones are enrolled by it."""
    rows = [_row(seat) for seat in seats]
    if rows:
        Node.objects.bulk_create(
            rows, update_conflicts=True, unique_fields=["name"], update_fields=COLUMNS
        )


def save_loads(seats: Iterable[Seat]) -> None:
    """Write how loaded these nodes are and when they were seen; a node without a row gets none."""
    adapt = connection.ops.adapt_datetimefield_value
    rows = [(s.beat.cpu, s.beat.memory, adapt(s.last_seen), s.name) for s in seats]
    if rows:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.executemany(LOADS, rows)


def _seat(node: Node) -> Seat:
    seen = int(node.last_seen.timestamp() * 1000) if node.last_seen else 0
    return Seat(
        name=node.name,
        state=NodeState(node.state),
        reason=node.reason,
        intent=Intent(node.intent),
        set_labels=node.set_labels,
        losses=node.losses,
        beat=Beat(incarnation=node.incarnation, slots=node.slots, labels=node.own_labels),
        # One less than what was read: the first beat that is read counts as news.
        seen_ms=max(seen - 1, 0),
    )


def _row(seat: Seat) -> Node:
    beat = seat.beat
    return Node(
        name=seat.name,
        state=seat.state,
        intent=seat.intent,
        set_labels=seat.set_labels,
        reason=seat.reason[:200],
        incarnation=beat.incarnation,
        slots=beat.slots,
        own_labels=beat.labels,
        capabilities=sorted(beat.capabilities),
        gpus=[
            {"index": g.index, "name": g.name, "memory_mb": g.memory_mb, "free_mb": g.free_mb}
            for g in beat.gpus
        ],
        cpu=beat.cpu,
        memory=beat.memory,
        release=beat.release,
        agent_version=beat.agent_version,
        platform=beat.platform,
        last_seen=seat.last_seen,
        losses=seat.losses,
    )
