"""Reads of the cluster: the Foreman's picture while it is fresh, else the database's memory."""

import json
import time
from typing import Any

from django.db.models import Avg, Sum

from hive_site.kernel.errors import NotFound
from hive_site.kernel.redis import RedisError
from nodes import wire
from nodes.domain.states import ALIVE_AS, PRESENT, Intent
from nodes.inbox import hurried_client, shared_client
from nodes.models import Lease, Node

#: An older picture than this says that the Foreman is away.
FRESH_SECONDS = 5.0
#: A glimpse is kept for so long; if Redis was away, it is not asked again for as long as that.
GLIMPSE_SECONDS, AWAY_SECONDS = 0.5, 5.0

#: The last glimpse, and until when it is good on the monotonic clock.
_glimpse: tuple[dict[str, Any], float] = ({}, 0.0)


def glimpse_picture() -> dict[str, Any]:
    """The Foreman's picture, half a second late at most: for what is better left out than
    waited for. Empty, and nearly always at once, while Redis is away."""
    global _glimpse
    picture, good_until = _glimpse
    if time.monotonic() >= good_until:
        # Before the answer, so that others do not ask as well.
        _glimpse = picture, time.monotonic() + AWAY_SECONDS
        try:
            picture, keep = _draw(hurried_client().get(wire.SNAPSHOT)), GLIMPSE_SECONDS
        except (RedisError, OSError):
            picture, keep = {}, AWAY_SECONDS
        _glimpse = picture, time.monotonic() + keep
    return picture


def read_picture() -> dict[str, Any]:
    """The Foreman's newest picture, `fresh` or not; empty if there is none or Redis is away."""
    try:
        return _draw(shared_client().get(wire.SNAPSHOT))
    except (RedisError, OSError):
        return {}


def _draw(text: bytes | None) -> dict[str, Any]:
    if not text:
        return {}
    picture: dict[str, Any] = json.loads(text)
    picture["fresh"] = time.time() - picture["at"] < FRESH_SECONDS
    return picture


def node_views() -> list[dict[str, Any]]:
    """All nodes as the API shows them (CONTRACT §6), by name."""
    picture = read_picture()
    drawn = {row["name"]: row for row in picture.get("nodes", [])} if picture.get("fresh") else {}
    return [_node_view(node, drawn.get(node.name)) for node in Node.objects.all()]


def node_view(name: str) -> dict[str, Any]:
    """One node. Raises `NotFound`."""
    for view in node_views():
        if view["name"] == name:
            return view
    raise NotFound(f"no node is named {name!r}")


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
        "work": [],
    }
    view |= drawn or {}
    # What its operator wants shows at once, not with the Foreman's next picture.
    view["labels"] = node.labels
    view["slots"] = node.wanted_slots or view["slots"]
    if view["state"] in ALIVE_AS.values():
        view["state"] = ALIVE_AS[Intent(node.intent)]
    return view


def cluster_view() -> dict[str, Any]:
    """The cluster in figures."""
    picture = read_picture()
    lease = Lease.objects.first()
    foreman = {"state": "away", "holder": lease.holder if lease else "", "epoch": 0}
    foreman["epoch"] = lease.epoch if lease else 0
    if picture.get("fresh"):
        names = (
            *("nodes_online", "nodes_total", "avg_cpu", "avg_memory", "active_subtasks"),
            *("slots", "queues", "throughput"),
        )
        age = max(time.time() - picture["at"], 0.0)
        leads = {**foreman, **picture["foreman"], "state": "leading", "age": round(age, 1)}
        return {**{name: picture[name] for name in names}, "foreman": leads}
    present = Node.objects.filter(state__in=PRESENT)
    sums = present.aggregate(cpu=Avg("cpu"), memory=Avg("memory"), slots=Sum("slots"))
    return {
        "nodes_online": present.count(),
        "nodes_total": Node.objects.count(),
        "avg_cpu": sums["cpu"] or 0.0,
        "avg_memory": sums["memory"] or 0.0,
        "active_subtasks": 0,
        "slots": sums["slots"] or 0,
        "queues": picture.get("queues", {}),
        "throughput": {"succeeded_per_second": 0.0, "failed_per_second": 0.0},
        "foreman": foreman,
    }
