"""What is measured of the cluster, its queues and its nodes, from one look to the next."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from nodes.domain.series import Value
from nodes.domain.states import PRESENT
from nodes.ports import Totals
from nodes.roster import Roster, Seat

#: Between looks that are further apart than this, nobody knows how fast things went.
MOST_SECONDS = 5.0
MOST_BYTES = 2**63
MIB = 2**20


@dataclass(slots=True)
class Wire:
    """What a node's network counters said with its newest heartbeat, and how fast they grew."""

    incarnation: str
    seen_ms: int
    received: float
    sent: float
    speeds: tuple[Value, Value] = (None, None)


class Gauges:
    """Reads all of them once a second."""

    def __init__(self) -> None:
        self._at = 0.0
        self._totals = Totals()
        self._depths: dict[str, int] = {}
        self._wires: dict[str, Wire] = {}

    def read(
        self, picture: Mapping[str, Any], roster: Roster, totals: Totals
    ) -> dict[str, list[Value]]:
        """A sample of every scope, in the order of its `METRICS`."""
        seconds = picture["at"] - self._at
        known = 0 < seconds <= MOST_SECONDS
        passed = seconds if known else None
        samples = {"cluster": self._cluster(picture, totals, passed)}
        for name, row in picture["queues"].items():
            samples[f"queue/{name}"] = self._queue(name, row, totals, passed)
        samples.update(self._nodes(roster, totals, passed))
        self._at = picture["at"]
        self._depths = {name: row["depth"] for name, row in picture["queues"].items()}
        self._totals = replace(totals, ended=totals.ended.copy(), sent=totals.sent.copy())
        return samples

    def _cluster(
        self, picture: Mapping[str, Any], totals: Totals, passed: float | None
    ) -> list[Value]:
        queues, before = picture["queues"].values(), self._totals
        present = picture["nodes_online"]
        return [
            speed(totals.succeeded - before.succeeded, passed),
            speed(totals.failed - before.failed, passed),
            speed(totals.retried - before.retried, passed),
            picture["active_subtasks"],
            sum(row["depth"] for row in queues),
            max((row["oldest_wait"] or 0.0 for row in queues), default=0.0),
            sum(row["running"] for row in picture["nodes"]),
            picture["slots"],
            present,
            picture["avg_cpu"] if present else None,
            picture["avg_memory"] if present else None,
        ]

    def _queue(
        self, name: str, row: Mapping[str, Any], totals: Totals, passed: float | None
    ) -> list[Value]:
        out = totals.sent[name] - self._totals.sent[name]
        came = max(row["depth"] - self._depths.get(name, row["depth"]) + out, 0)
        return [row["depth"], row["oldest_wait"] or 0.0, speed(came, passed), speed(out, passed)]

    def _nodes(
        self, roster: Roster, totals: Totals, passed: float | None
    ) -> Iterator[tuple[str, list[Value]]]:
        ended, before = totals.ended, self._totals.ended
        wires = {}
        for seat in roster:
            if seat.state in PRESENT:
                wire = wires[seat.name] = _listen(seat, self._wires.get(seat.name))
                tasks = speed(ended[seat.name] - before[seat.name], passed)
                values = [seat.beat.cpu, seat.beat.memory, *wire.speeds, tasks]
                yield f"node/{seat.name}", values
        self._wires = wires


def speed(growth: float, seconds: float | None) -> Value:
    """Growth per second; None if nobody knows, or the counter began anew."""
    return None if seconds is None or growth < 0 else growth / seconds


def _listen(seat: Seat, before: Wire | None) -> Wire:
    """The node's counters as they are now."""
    if before and before.seen_ms == seat.seen_ms:
        return before
    received, sent = _counters(seat.beat.metrics.get("network"))
    wire = Wire(seat.beat.incarnation, seat.seen_ms, received, sent)
    if before and before.incarnation == wire.incarnation and min(before.sent, before.received) >= 0:
        seconds = (wire.seen_ms - before.seen_ms) / 1000
        passed = seconds if 0 < seconds <= 2 * MOST_SECONDS else None
        grown = (received - before.received, sent - before.sent)
        wire.speeds = (speed(grown[0] / MIB, passed), speed(grown[1] / MIB, passed))
    return wire


def _counters(network: Any) -> tuple[float, float]:
    """Bytes received and sent, as far as a node says so sensibly; else less than nothing."""
    told = network if isinstance(network, dict) else {}
    received, sent = told.get("received"), told.get("sent")
    if not all(isinstance(n, int | float) and 0 <= n < MOST_BYTES for n in (received, sent)):
        return -1.0, -1.0
    return float(received), float(sent)
