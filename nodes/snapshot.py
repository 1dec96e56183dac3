"""The picture of the cluster that viewers read; one a second, whoever looks."""

from datetime import datetime
from typing import Any

from nodes.domain.scoring import Weights
from nodes.domain.states import ALIVE_AS, PRESENT, NodeState
from nodes.ports import Workload
from nodes.roster import Roster, Seat


def draw_snapshot(
    roster: Roster,
    workload: Workload,
    *,
    now: datetime,
    number: int,
    holder: str,
    epoch: int,
    weights: Weights,
    fine: bool = True,
) -> dict[str, Any]:
    """Everything that one look at the cluster shows, as JSON; `at` in Unix seconds.

    Without `fine`, what single nodes do is left out: nobody looks.
    """
    scores = roster.scores(weights)
    seats = sorted(roster, key=lambda seat: seat.name)
    nodes = [_draw_node(seat, scores, busy=workload.busy(seat.name)) for seat in seats]
    if fine:
        for seat, row in zip(seats, nodes, strict=True):
            row |= {"metrics": seat.beat.metrics, "work": workload.work_of(seat.name)}
    present = [seat for seat in roster if seat.state in PRESENT]
    return {
        "number": number,
        "at": now.timestamp(),
        "foreman": {"holder": holder, "epoch": epoch},
        "nodes": nodes,
        "nodes_online": len(present),
        "nodes_total": len(nodes),
        "slots": sum(seat.beat.slots for seat in present),
        "avg_cpu": _mean([seat.beat.cpu for seat in present]),
        "avg_memory": _mean([seat.beat.memory for seat in present]),
        **workload.snapshot(now),
    }


def _draw_node(seat: Seat, scores: dict[str, float], *, busy: int) -> dict[str, Any]:
    beat, rated = seat.beat, scores.get(seat.name)
    return {
        "name": seat.name,
        "state": _state_of(seat),
        "reason": seat.reason,
        "intent": seat.intent,
        "slots": beat.slots,
        "running": min(busy, beat.slots),
        "cpu": round(beat.cpu, 3),
        "memory": round(beat.memory, 3),
        "score": None if rated is None else round(rated, 3),
        "labels": seat.labels,
        "capabilities": sorted(beat.capabilities),
        "gpus": [{"index": g.index, "name": g.name, "memory_mb": g.memory_mb} for g in beat.gpus],
        "release": beat.release,
        "agent_version": beat.agent_version,
        "last_seen": seat.last_seen.isoformat() if seat.last_seen else None,
    }


def _state_of(seat: Seat) -> NodeState:
    """Its state; what its operator wants of a living one shows before it is looked at again."""
    return ALIVE_AS[seat.intent] if seat.state in ALIVE_AS.values() else seat.state


def _mean(values: list[float]) -> float:
    return round(sum(values) / len(values), 3) if values else 0.0
