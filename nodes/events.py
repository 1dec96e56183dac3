"""What became of each node: written by the leader in passing, read by people."""

from collections import Counter
from datetime import datetime, timedelta

from django.db import transaction

from nodes.domain.happenings import Look, compare
from nodes.leadership import Leadership
from nodes.models import NodeEvent
from nodes.roster import Roster, Seat

#: So many of each node are kept, the newest; and no longer than this.
KEPT, KEPT_FOR = 200, timedelta(days=90)
#: After so many more of a node it is looked whether there are too many.
MORE = 20
#: At one look, of so many nodes: a thousand that flap leave ten events each in a few seconds.
NODES_AT_ONCE = 10
PRUNE_EVERY = timedelta(minutes=1)
ROWS_AT_ONCE = 100


def of_node(name: str, limit: int = 50) -> list[NodeEvent]:
    """What became of a node, the newest first: `at`, `what`, `reason`."""
    return list(NodeEvent.objects.filter(node=name)[:limit])


class Diary:
    """Belongs to one Foreman, who opens it when it takes over."""

    def __init__(self, leadership: Leadership) -> None:
        self._leadership = leadership
        self._known: dict[str, Look] = {}
        self._written: Counter[str] = Counter()
        self._prune_at: datetime | None = None

    def open(self, roster: Roster) -> None:
        """Begin with what the last leader left."""
        self._known = {seat.name: _look(seat) for seat in roster}

    def note(self, roster: Roster, now: datetime) -> None:
        """Write down what became of nodes since it was noted last. An outage loses nothing."""
        seen = {seat.name: _look(seat) for seat in roster}
        rows = [
            NodeEvent(node=name, at=now, what=each.what, reason=each.reason[:200])
            for name in sorted({name for name, _ in seen.items() ^ self._known.items()})
            for each in compare(self._known.get(name), seen.get(name), reason=_why(roster, name))
        ]
        if rows:
            with transaction.atomic():
                self._leadership.confirm(now)
                NodeEvent.objects.bulk_create(rows)
        self._known = seen
        self._written.update(row.node for row in rows)
        self._prune(now)

    def _prune(self, now: datetime) -> None:
        """Delete what is too many of a few nodes; once a minute, a little of what is too old."""
        gone = self._too_many()
        if self._prune_at is None or now >= self._prune_at:
            self._prune_at = now + PRUNE_EVERY
            gone += _too_old(now)
        if gone:
            with transaction.atomic():
                self._leadership.confirm(now)
                NodeEvent.objects.filter(pk__in=gone).delete()

    def _too_many(self) -> list[int]:
        """Of the most restless nodes."""
        gone: list[int] = []
        for name, count in self._written.most_common(NODES_AT_ONCE):
            if count < MORE:
                break
            rows = NodeEvent.objects.filter(node=name).values_list("pk", flat=True)
            gone += rows[KEPT : KEPT + ROWS_AT_ONCE]
            del self._written[name]
        return gone


def _too_old(now: datetime) -> list[int]:
    oldest = NodeEvent.objects.order_by("id").values_list("pk", "at")[:ROWS_AT_ONCE]
    return [pk for pk, at in oldest if at < now - KEPT_FOR]


def _look(seat: Seat) -> Look:
    return Look(seat.state, seat.beat.incarnation, seat.beat.release)


def _why(roster: Roster, name: str) -> str:
    seat = roster.get(name)
    return seat.reason if seat else ""
