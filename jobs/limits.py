"""The limits of tasks: what their code says, and what operators say instead."""

from datetime import UTC, datetime
from typing import Any

import structlog
from django.db.models import Q, QuerySet

from jobs.domain.limits import Limit, read_limit, read_rate
from jobs.domain.states import JOB_OPEN, TERMINAL, Role
from jobs.models import Attempt, Job, Subtask, TaskLimit
from jobs.registry import Task
from jobs.remote_tasks import remote_rows
from jobs.validation import find_task, known_tasks

log = structlog.get_logger()


def declared_limit(task: str) -> Limit:
    """What the task's code says, here or on nodes. Raises `NotFound`."""
    return _limit_of(find_task(task))


def set_limits_by_task() -> dict[str, Limit]:
    """What operators say."""
    rows = TaskLimit.objects.values_list("task", "rate", "concurrency")
    return {task: Limit(read_rate(rate), concurrency) for task, rate, concurrency in rows}


def effective_limits() -> dict[str, Limit]:
    """The limits that count, of every task that has some."""
    ours = declared_limits()
    remote = {task.name: _limit_of(task) for task, _ in remote_rows(ours)}
    limits = remote | ours | set_limits_by_task()
    return {task: limit for task, limit in limits.items() if limit != Limit()}


def declared_limits() -> dict[str, Limit]:
    """What the code of all tasks says; imports them at the first call."""
    try:
        registry = known_tasks()
    except Exception:  # a task module that breaks must not keep others from work
        log.exception("limits.tasks_unreadable")
        return {}
    return {task: _limit_of(registry.get(task)) for task in registry}


def _limit_of(task: Task) -> Limit:
    return read_limit(rate=task.rate, concurrency=task.concurrency)


def limits_view(task: Task, overridden: dict[str, Limit]) -> dict[str, Any]:
    """A task's limits as the API shows them, given what operators say."""
    limit = overridden.get(task.name) or _limit_of(task)
    return {
        "rate": str(limit.rate) if limit.rate else None,
        "concurrency": limit.concurrency,
        "set_by_operator": task.name in overridden,
    }


def recall_starts(task: str, since: float, most: int) -> list[float]:
    """When closed attempts of a task started after `since` (Unix seconds): the newest so many.

    A new leader counts with them what its predecessor let start.
    """
    moment = datetime.fromtimestamp(since, UTC)
    recent = Job.objects.filter(Q(state__in=JOB_OPEN) | Q(finished_at__gt=moment))
    found: set[tuple[int, datetime]] = set()
    for jobs, role in (
        (recent.filter(task=task), Role.MAP),
        (recent.filter(reduce=task), Role.REDUCE),
    ):
        ids = list(jobs.values_list("pk", flat=True))
        ended = Subtask.objects.filter(job__in=ids, role=role, state__in=TERMINAL)
        tries = Attempt.objects.filter(subtask__job__in=ids, subtask__role=role)
        found.update(_newest(ended, "pk", moment, most))
        found.update(_newest(tries, "subtask", moment, most))
    return sorted(at.timestamp() for _, at in found)[-most:]


def _newest(rows: QuerySet[Any], key: str, since: datetime, most: int) -> Any:
    started = rows.filter(started_at__gt=since).order_by("-started_at")
    return started.values_list(key, "started_at")[:most]
