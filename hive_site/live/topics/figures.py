"""`figures`: the cluster in numbers, and each queue."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from hive_site.live.board import Look, Topic
from hive_site.live.topics.rows import Row, node_facts
from jobs.shelves import queue_views
from nodes.domain.states import PRESENT, NodeState
from nodes.models import Lease, Node
from nodes.picture import Picture


class Figures(Topic):
    """The whole cluster."""

    pace = 0.0

    def sketch(self, picture: Picture, now: float) -> Look | None:
        """All of it, from the picture."""
        if not picture.facts:
            return None
        facts = picture.facts
        leads = "leading" if picture.is_fresh(now) else "away"
        foreman = {"state": leads, "holder": "", "epoch": 0, **facts["foreman"]}
        queues = {f"queue/{name}": queue_row(row) for name, row in facts["queues"].items()}
        return Look({"cluster": cluster_row(facts, facts["nodes"], foreman), **queues})

    def read(self, picture: Picture, now: float) -> Look:
        """What the database remembers of nodes; nothing is known of what runs."""
        lease = Lease.objects.first()
        foreman = {"state": "away", "holder": "", "epoch": 0}
        if lease:
            foreman |= {"holder": lease.holder, "epoch": lease.epoch}
        views = {view["name"]: view for view in queue_views()}
        nodes = [node_facts(node) for node in Node.objects.all()]
        queues = {f"queue/{name}": queue_row(row) for name, row in views.items()}
        return Look({"cluster": cluster_row({"queues": views}, nodes, foreman), **queues})


def cluster_row(facts: Mapping[str, Any], nodes: Sequence[Mapping[str, Any]], foreman: Row) -> Row:
    """The head line of the cluster."""
    present = [node for node in nodes if node["state"] in PRESENT]
    states = Counter(node["state"] for node in nodes)
    rates, queues = facts.get("throughput", {}), facts["queues"].values()
    waits = [row["oldest_wait"] for row in queues if row["oldest_wait"] is not None]
    return {
        "nodes_online": len(present),
        "nodes_total": len(nodes),
        "nodes_draining": states[NodeState.DRAINING],
        "nodes_lost": states[NodeState.LOST],
        "slots": sum(node["slots"] for node in present),
        "busy": sum(node["running"] for node in present),
        "active": facts.get("active_subtasks", 0),
        "cpu": _mean([node["cpu"] for node in present]),
        "memory": _mean([node["memory"] for node in present]),
        "depth": sum(row["depth"] for row in queues),
        "oldest_wait": max(waits, default=None),
        "succeeded": round(rates.get("succeeded_per_second", 0.0), 1),
        "failed": round(rates.get("failed_per_second", 0.0), 1),
        "retried": round(rates.get("retried_per_second", 0.0), 1),
        "foreman": {name: foreman[name] for name in ("state", "holder", "epoch")},
    }


def queue_row(drawn: Mapping[str, Any]) -> Row:
    """One queue: what waits, since when, and what goes in and out."""
    same = {name: drawn[name] for name in ("depth", "oldest_wait", "paused")}
    flow = {name: round(drawn.get(name, 0.0), 1) for name in ("in", "out")}
    return {**same, **flow, "ages": drawn.get("ages", [0, 0, 0, 0])}


def _mean(loads: list[float]) -> float:
    return round(sum(loads) / len(loads), 3) if loads else 0.0
