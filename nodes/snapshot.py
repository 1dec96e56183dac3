"""The picture of the cluster that viewers read; one a second, whoever looks."""

from datetime import datetime
from typing import Any

from nodes.domain.placement import score
from nodes.domain.scoring import Weights
from nodes.domain.states import PRESENT
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
) -> dict[str, Any]:
    """Everything that one look at the cluster shows, as JSON; `at` in Unix seconds."""
    scores = {node.name: score(node, weights) for node in roster.candidates()}
    nodes = [_draw_node(seat, scores, workload) for seat in sorted(roster, key=lambda s: s.name)]
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


def _draw_node(seat: Seat, scores: dict[str, float], workload: Workload) -> dict[str, Any]:
    beat, work = seat.beat, workload.work_of(seat.name)
    rated = scores.get(seat.name)
    return {
        "name": seat.name,
        "state": seat.state,
        "reason": seat.reason,
        "slots": beat.slots,
        "running": min(len(work), beat.slots),
        "cpu": round(beat.cpu, 3),
        "memory": round(beat.memory, 3),
        "score": None if rated is None else round(rated, 3),
        "labels": seat.labels,
        "capabilities": sorted(beat.capabilities),
        "gpus": [{"index": g.index, "name": g.name, "memory_mb": g.memory_mb} for g in beat.gpus],
        "release": beat.release,
        "agent_version": beat.agent_version,
        "last_seen": seat.last_seen.isoformat() if seat.last_seen else None,
        "metrics": beat.metrics,
        "work": work,
    }


def _mean(values: list[float]) -> float:
    return round(sum(values) / len(values), 3) if values else 0.0
