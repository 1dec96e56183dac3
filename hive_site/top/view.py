"""What is shown of the facts, and in which order. Pure."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from hive_site.top.facts import Facts, Row
from jobs.domain.eta import Progress, estimate
from nodes.domain.liveness import ON_PURPOSE

SORTS = ("load", "cpu", "memory", "name")
#: The worst first; those who work come last.
GRAVITY = ("quarantined", "lost", "suspect", "updating", "draining", "cordoned", "online")
#: So many figures of the past, one for each look.
MOST_HISTORY = 600
#: Waiting for so long deserves attention.
LONG_WAIT_SECONDS = 600
MANY_FAILURES = 0.5
#: Of more alerts than these the rest is counted.
MOST_ALERTS = 5


@dataclass(frozen=True, slots=True)
class Alert:
    """Something to look into, in a line."""

    grave: bool
    text: str


@dataclass(frozen=True, slots=True)
class View:
    """One picture, ready to be drawn."""

    at: float
    cluster: Row
    nodes: list[Row]
    jobs: list[Row]
    rollouts: list[Row]
    history: list[float]
    alerts: list[Alert]
    trouble: str = ""

    def as_json(self) -> Row:
        """The same for programs."""
        return {
            "at": round(self.at, 3),
            "cluster": self.cluster,
            "nodes": self.nodes,
            "jobs": self.jobs,
            "rollouts": self.rollouts,
            "history": self.history,
            "alerts": [{"grave": alert.grave, "text": alert.text} for alert in self.alerts],
            "trouble": self.trouble,
        }


@dataclass(slots=True)
class Watcher:
    """Remembers of earlier looks what a later one needs: how fast things went."""

    _history: deque[float] = field(default_factory=lambda: deque(maxlen=MOST_HISTORY))
    _progress: dict[str, Progress] = field(default_factory=dict)

    def see(self, facts: Facts) -> View:
        """The view of the newest facts."""
        self._history.extend(facts.history)
        rate = facts.cluster.get("throughput", {}).get("succeeded_per_second")
        if rate is not None and not facts.history:
            self._history.append(rate)
        self._progress = {j["id"]: self._progress.get(j["id"], Progress()) for j in facts.jobs}
        jobs = [{**job, "eta": self._estimate(job, facts.at)} for job in facts.jobs]
        return View(
            at=facts.at,
            cluster=facts.cluster,
            nodes=facts.nodes,
            jobs=sorted(jobs, key=_job_rank),
            rollouts=facts.rollouts,
            history=list(self._history),
            alerts=list(find_alerts(facts)),
            trouble=facts.trouble,
        )

    def _estimate(self, job: Row, at: float) -> float | None:
        progress = self._progress[job["id"]]
        progress.note(job["succeeded"] + job["failed"] + job["cancelled"], at=at)
        return estimate(progress, total=job["total"], started_at=job["started_at"])


def _job_rank(job: Row) -> tuple[bool, int, str]:
    """What runs first, then by priority, then the oldest."""
    return job["state"] != "running", -job["priority"], job["id"]


def sort_nodes(nodes: Iterable[Row], by: str) -> list[Row]:
    """The nodes that deserve a look first: the ill ones, then the busiest."""
    match by:
        case "name":
            return sorted(nodes, key=lambda node: str(node["name"]))
        case "cpu" | "memory":
            return sorted(nodes, key=lambda node: (-node[by], node["name"]))
    return sorted(
        nodes, key=lambda node: (_gravity(node), -_busy(node), -node["cpu"], node["name"])
    )


def _gravity(node: Row) -> int:
    state = node["state"]
    return GRAVITY.index(state) if state in GRAVITY else 0


def _busy(node: Row) -> float:
    return float(node["running"] / node["slots"]) if node["slots"] else 0.0


def find_alerts(facts: Facts) -> Iterable[Alert]:
    """What somebody should look into, the gravest first."""
    if facts.trouble:
        yield Alert(True, f"{facts.trouble}; nothing is started meanwhile")
    elif facts.cluster["foreman"]["state"] != "leading":
        yield Alert(True, "no Foreman leads, so nothing is started: python manage.py foreman")
    yield from _of_nodes(facts.nodes)
    rates = facts.cluster.get("throughput", {})
    good, bad = (rates.get(f"{name}_per_second", 0.0) for name in ("succeeded", "failed"))
    if bad and bad / (good + bad) >= MANY_FAILURES:
        yield Alert(True, f"{bad / (good + bad):.0%} of what ends has failed")
    yield from _of_queues(facts.cluster.get("queues", {}))
    for name, pool in facts.cluster.get("pools", {}).items():
        if pool.get("error"):
            yield Alert(True, f"the pool {name} cannot change: {pool['error']}")
    for rollout in facts.rollouts:
        if rollout["state"] == "paused":
            yield Alert(False, f"the rollout of {rollout['release']} waits: {rollout['reason']}")


def _of_nodes(nodes: Iterable[Row]) -> Iterable[Alert]:
    ill: dict[str, list[str]] = {"quarantined": [], "suspect": [], "lost": []}
    for node in nodes:
        # Stopped on purpose is no illness.
        if node["state"] in ill and node.get("reason") not in ON_PURPOSE:
            ill[node["state"]].append(node["name"])
    for state, names in ill.items():
        if len(names) == 1:
            yield Alert(state == "quarantined", f"{names[0]} is {state}")
        elif names:
            some = ", ".join(sorted(names)[:3])
            yield Alert(True, f"{len(names)} nodes are {state}: {some}{', …' * (len(names) > 3)}")


def _of_queues(queues: dict[str, Any]) -> Iterable[Alert]:
    for name, queue in queues.items():
        if queue["paused"] and queue["depth"]:
            yield Alert(False, f"{name} is paused and holds {queue['depth']}")
        elif (queue["oldest_wait"] or 0) > LONG_WAIT_SECONDS:
            minutes = queue["oldest_wait"] / 60
            yield Alert(False, f"{name}: the oldest has waited {minutes:.0f} min")
