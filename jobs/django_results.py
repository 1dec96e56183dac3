"""A job and its only subtask, as Django's tasks framework sees a task."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from jobs.tasks_framework import Task, TaskError, TaskResult, TaskResultStatus

#: How the framework calls what a subtask does. All other states wait.
STATUSES = {
    "running": TaskResultStatus.RUNNING,
    "succeeded": TaskResultStatus.SUCCESSFUL,
    "failed": TaskResultStatus.FAILED,
    "cancelled": TaskResultStatus.FAILED,
    "quarantined": TaskResultStatus.FAILED,
}
#: What the Hive says of a task that could not say it itself.
KINDS = {"timeout": "builtins.TimeoutError", "result_invalid": "builtins.TypeError"}
OTHER_KIND = "builtins.RuntimeError"


def task_result(
    alias: str,
    task: Task,
    item: Mapping[str, Any],
    job: Mapping[str, Any],
    row: Mapping[str, Any],
) -> TaskResult[Any]:
    """The framework's view of a job and its only subtask."""
    tries = row.get("tries") or []
    begun = [read_moment(a["started_at"]) for a in tries] + [read_moment(row.get("started_at"))]
    starts = [moment for moment in begun if moment]
    errors = [a["error"] for a in tries if a["error"]] or [row.get("error")]
    result: TaskResult[Any] = TaskResult(
        task=task,
        id=job["id"],
        status=STATUSES.get(row.get("state", ""), TaskResultStatus.READY),
        enqueued_at=read_moment(job["created_at"]),
        started_at=min(starts, default=None),
        last_attempted_at=max(starts, default=None),
        finished_at=read_moment(row.get("finished_at")),
        args=item["args"],
        kwargs=item["kwargs"],
        backend=alias,
        errors=[task_error(error) for error in errors if error],
        worker_ids=[a["node"] for a in tries] or ([row["node"]] if row.get("node") else []),
    )
    object.__setattr__(result, "_return_value", row.get("result"))
    return result


def task_error(error: Mapping[str, Any]) -> TaskError:
    """What a subtask failed of, as an error whose class can be imported where it is known."""
    kind, text = str(error["type"]), str(error.get("traceback") or error["message"])
    # The last line of a traceback names the class with its module, unless it is a built-in one.
    named = re.findall(rf"^(?:([\w.]+)\.)?{re.escape(kind)}(?::|$)", text, re.MULTILINE)
    if kind in KINDS or not named:
        return TaskError(exception_class_path=KINDS.get(kind, OTHER_KIND), traceback=text)
    return TaskError(exception_class_path=f"{named[-1] or 'builtins'}.{kind}", traceback=text)


def read_moment(text: str | None) -> datetime | None:
    """The moment that the API wrote so."""
    return datetime.fromisoformat(text) if text else None
