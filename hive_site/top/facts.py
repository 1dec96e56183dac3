"""What there is to see, and where from: beside the Nexus, or over REST from anywhere."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from jobs.client import Hive

#: Open jobs that are read, the newest first, and rollouts.
MOST_JOBS, MOST_ROLLOUTS = 50, 10
OPEN_STATES = "running,queued,paused,cancelling,blocked"
JOB_COUNTS = ("total", "running", "succeeded", "failed", "cancelled")
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Facts:
    """One look. Times are Unix seconds."""

    at: float
    cluster: Row
    nodes: list[Row]
    jobs: list[Row]
    rollouts: list[Row]
    #: How many subtasks succeeded a second, lately, the newest last; only at the first look.
    history: list[float] = field(default_factory=list)
    #: Why there is less to see than there could be.
    trouble: str = ""


class Source(Protocol):
    """Where the facts come from."""

    def look(self, *, history: bool) -> Facts:
        """The facts as they are now. What it raises if they cannot be had may pass."""


class Beside:
    """Reads Redis and the database, as the Nexus does."""

    def look(self, *, history: bool) -> Facts:
        """See `Source.look`."""
        from django.db import close_old_connections

        from hive_site.live.topics.rows import JOB_COLUMNS, job_row, node_facts
        from jobs.models import Job
        from nodes import picture, selectors
        from nodes.history import read
        from nodes.models import Node
        from ota.selectors import rollout_rows

        close_old_connections()
        # Not closely: that has the Foreman draw what single nodes do, which is not shown.
        seen, now = picture.look(), time.time()
        jobs = Job.objects.open().only(*JOB_COLUMNS).order_by("-pk")[:MOST_JOBS]
        chart = read("cluster", "15m", datetime.now(UTC)) if history and not seen.away else None
        return Facts(
            at=now,
            cluster=selectors.cluster_view(),
            nodes=seen.current(now).get("nodes") or [*map(node_facts, Node.objects.all())],
            jobs=[{"id": job.pk, **job_row(job, eta=None), **_begun(job)} for job in jobs],
            rollouts=_open(rollout_rows(before=None, limit=MOST_ROLLOUTS)),
            history=_known(chart.values["succeeded"]) if chart else [],
            trouble=f"Redis is away: {seen.away}" if seen.away else "",
        )


class Afar:
    """Asks a Nexus over REST, with a key that may read."""

    def __init__(self, hive: "Hive") -> None:
        self._hive = hive

    def look(self, *, history: bool) -> Facts:
        """See `Source.look`."""
        ask = self._hive.request
        chart = ask("GET", "series/?scope=cluster&window=15m") if history else None
        jobs = ask("GET", f"jobs/?state={OPEN_STATES}&limit={MOST_JOBS}")["results"]
        return Facts(
            at=time.time(),
            cluster=ask("GET", "cluster/"),
            nodes=ask("GET", "nodes/")["results"],
            jobs=[_flatten(job) for job in jobs],
            rollouts=_open(ask("GET", f"ota/rollouts/?limit={MOST_ROLLOUTS}")["results"]),
            history=_known(chart["values"]["succeeded"]) if chart else [],
        )


def _begun(job: Any) -> Row:
    return {"started_at": job.started_at.timestamp() if job.started_at else None}


def _flatten(job: Mapping[str, Any]) -> Row:
    """A job of the REST API in the words of `job_row`."""
    begun = job["started_at"]
    return {
        **{name: job[name] for name in ("id", "task", "state", "queue", "priority")},
        **{name: job["progress"][name] for name in JOB_COUNTS},
        "started_at": datetime.fromisoformat(begun).timestamp() if begun else None,
    }


def _open(rollouts: Iterable[Row]) -> list[Row]:
    return [row for row in rollouts if row["finished_at"] is None]


def _known(values: Iterable[float | None]) -> list[float]:
    return [value for value in values if value is not None]
