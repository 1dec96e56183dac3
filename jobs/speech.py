"""What running subtasks say of themselves: logs, and how far they are."""

import time
from collections.abc import Container
from typing import Any

from jobs.models import LogChunk, Subtask
from nodes.picture import look_closely

#: A log has 64 KiB; whoever wants older ones asks for them one by one.
MOST_LOGS = 50


def attempt_logs(
    job_id: str, index: int, *, attempt: int | None = None
) -> list[dict[str, Any]] | None:
    """What each attempt at a subtask said, the last 50 of them, or only the one of that number.

    None if there is no such subtask.
    """
    subtask = (
        Subtask.objects.filter(job_id=job_id, index=index).values_list("pk", flat=True).first()
    )
    if subtask is None:
        return None
    rows = LogChunk.objects.filter(subtask_id=subtask)
    if attempt is not None:
        rows = rows.filter(number=attempt)
    tries = rows.order_by("-attempt").values_list("attempt", flat=True).distinct()[:MOST_LOGS]
    logs: dict[int, dict[str, Any]] = {}
    for row in rows.filter(attempt__in=list(tries)).order_by("attempt", "n"):
        log = {"attempt": row.number, "node": row.node, "text": ""}
        logs.setdefault(row.attempt, log)["text"] += row.text
    return list(logs.values())


def progress_told(jobs: Container[str]) -> dict[str, dict[int, dict[str, Any]]]:
    """What the running subtasks of some jobs say of how far they are, by job and index.

    Seconds old; nothing while the Foreman or Redis is away, or if nobody asked lately.
    """
    told: dict[str, dict[int, dict[str, Any]]] = {}
    for node in look_closely().current(time.time()).get("nodes", ()):
        for work in node.get("work", ()):
            if work["job"] in jobs and "progress" in work:
                names = ("index", "reduce", "attempt", "progress", "message")
                view = {**{name: work[name] for name in names}, "node": node["name"]}
                told.setdefault(work["job"], {})[work["index"]] = view
    return told
