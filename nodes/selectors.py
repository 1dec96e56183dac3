"""Reads of the cluster: the Foreman's picture while it is fresh, else the database's memory."""

import time
from typing import Any

from django.db.models import Avg, Sum

from hive_site.kernel.errors import NotFound
from nodes.domain.states import ALIVE_AS, PRESENT, Intent
from nodes.models import Lease, Node
from nodes.picture import look, look_closely

#: What the picture says of the whole cluster.
FIGURES = (
    *("nodes_online", "nodes_total", "avg_cpu", "avg_memory", "active_subtasks"),
    *("slots", "queues", "throughput"),
)
RATES = ("succeeded_per_second", "failed_per_second", "retried_per_second")


def node_views() -> list[dict[str, Any]]:
    """All nodes as the API shows them (CONTRACT §6), by name.

    What each does (`work`, `metrics`) is there two seconds after somebody asked.
    """
    drawn = _drawn_nodes()
    return [_node_view(node, drawn.get(node.name)) for node in Node.objects.all()]


def node_view(name: str) -> dict[str, Any]:
    """One node. Raises `NotFound`."""
    node = Node.objects.filter(name=name).first()
    if node is None:
        raise NotFound(f"no node is named {name!r}")
    return _node_view(node, _drawn_nodes().get(name))


def _drawn_nodes() -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in look_closely().current(time.time()).get("nodes", ())}


def _node_view(node: Node, drawn: dict[str, Any] | None) -> dict[str, Any]:
    view = {
        "name": node.name,
        "state": node.state,
        "intent": node.intent,
        "reason": node.reason,
        "slots": node.slots,
        "running": 0,
        "cpu": node.cpu,
        "memory": node.memory,
        "score": None,
        "labels": node.labels,
        "capabilities": node.capabilities,
        "gpus": node.gpus,
        "release": node.release,
        "last_seen": node.last_seen.isoformat() if node.last_seen else None,
        "agent_version": node.agent_version,
        "metrics": {},
        "work": [],
    }
    view |= drawn or {}
    # What its operator wants shows at once, not with the Foreman's next picture.
    view["intent"], view["labels"] = node.intent, node.labels
    view["slots"] = node.wanted_slots or view["slots"]
    if view["state"] in ALIVE_AS.values():
        view["state"] = ALIVE_AS[Intent(node.intent)]
    return view


def cluster_view() -> dict[str, Any]:
    """The cluster in figures: by the picture while it is fresh, else as the database remembers."""
    picture, now = look(), time.time()
    lease = Lease.objects.first()
    holder, epoch = (lease.holder, lease.epoch) if lease else ("", 0)
    foreman = {"state": "away", "holder": holder, "epoch": epoch}
    facts = picture.current(now)
    if not facts:
        queues = picture.facts.get("queues", {})
        return {**_remembered(), "queues": queues, "pools": {}, "foreman": foreman}
    age = max(round(now - facts["at"], 1), 0.0)
    foreman |= {**facts["foreman"], "state": "leading", "age": age}
    pools = facts.get("pools", {})
    return {**{name: facts[name] for name in FIGURES}, "pools": pools, "foreman": foreman}


def _remembered() -> dict[str, Any]:
    present = Node.objects.filter(state__in=PRESENT)
    sums = present.aggregate(cpu=Avg("cpu"), memory=Avg("memory"), slots=Sum("slots"))
    return {
        "nodes_online": present.count(),
        "nodes_total": Node.objects.count(),
        "avg_cpu": sums["cpu"] or 0.0,
        "avg_memory": sums["memory"] or 0.0,
        "active_subtasks": 0,
        "slots": sums["slots"] or 0,
        "throughput": dict.fromkeys(RATES, 0.0),
    }
