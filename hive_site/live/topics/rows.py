"""Rows of nodes and jobs as viewers see them: times in Unix seconds, numbers as pages show them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from jobs.models import Job
from jobs.selectors import progress_of
from nodes.domain.states import PRESENT
from nodes.models import Node

Row = dict[str, Any]


def node_row(drawn: Mapping[str, Any]) -> Row:
    """A node as the Foreman's picture, or `node_facts`, has it."""
    same = ("state", "reason", "slots", "running", "release", "labels")
    return {
        **{name: drawn[name] for name in same},
        "intent": drawn.get("intent", ""),
        "cpu": round(drawn["cpu"], 2),
        "memory": round(drawn["memory"], 2),
        "gpus": len(drawn["gpus"]),
        # Of those that are there it changes all the time, and says nothing.
        "last_seen": None if drawn["state"] in PRESENT else unix(drawn["last_seen"]),
    }


def node_facts(node: Node) -> Row:
    """A node as the database remembers it, in the words of the picture."""
    same = ("name", "state", "reason", "intent", "labels", "cpu", "memory", "gpus", "release")
    return {
        **{name: getattr(node, name) for name in same},
        "slots": node.wanted_slots or node.slots,
        "running": 0,
        "score": None,
        "capabilities": node.capabilities,
        "agent_version": node.agent_version,
        "last_seen": node.last_seen.isoformat() if node.last_seen else None,
    }


#: Of a job's row in the database, what `job_row` and `progress_of` take.
JOB_COLUMNS = (
    *("task", "state", "queue", "priority", "total", "running"),
    *("succeeded", "failed", "cancelled", "created_at", "started_at", "finished_at"),
)


def job_row(job: Job, *, eta: float | None) -> Row:
    """A job; `eta` in seconds."""
    same = ("task", "state", "queue", "priority", "total", "succeeded", "failed", "cancelled")
    return {
        **{name: getattr(job, name) for name in same},
        "running": progress_of(job)["running"],
        "created_at": unix(job.created_at),
        "finished_at": unix(job.finished_at),
        "eta": eta,
    }


def unix(at: datetime | str | None) -> float | None:
    """A moment, or its ISO text, in Unix seconds."""
    moment = datetime.fromisoformat(at) if isinstance(at, str) else at
    return round(moment.timestamp(), 3) if moment else None
