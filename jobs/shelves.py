"""Reads of what jobs are made of and where they wait: tasks and queues."""

import time
from typing import Any

from django.conf import settings
from django.db.models import F, QuerySet, Sum

from hive_site.kernel.errors import NotFound
from jobs.descriptions import describe_task
from jobs.domain.limits import Limit
from jobs.domain.states import JobState
from jobs.limits import limits_view, set_limits_by_task
from jobs.models import Job, Queue
from jobs.registry import Task
from jobs.remote_tasks import remote_rows
from jobs.validation import known_tasks
from nodes.picture import look


def require_queue(name: str) -> str:
    """The name, if it is that of a queue. Raises `NotFound`."""
    if name not in settings.HIVE.queues:
        raise NotFound(f"no queue is named {name!r}; there are {', '.join(settings.HIVE.queues)}")
    return name


def queue_views() -> list[dict[str, Any]]:
    """All queues of waiting work: name, depth, oldest wait in seconds, paused or not."""
    paused = set(Queue.objects.filter(paused=True).values_list("name", flat=True))
    drawn = look().current(time.time()).get("queues", {})
    return [
        {
            "name": name,
            "depth": drawn[name]["depth"] if name in drawn else _depth(name),
            "oldest_wait": drawn.get(name, {}).get("oldest_wait"),
            "paused": name in paused,
        }
        for name in settings.HIVE.queues
    ]


def queue_view(name: str) -> dict[str, Any]:
    """One queue. Raises `NotFound`."""
    require_queue(name)
    return next(view for view in queue_views() if view["name"] == name)


def waiting_jobs(queue: str, limit: int) -> tuple[list[Job], int]:
    """Jobs that have something `waiting` in a queue, the oldest first, and how many there are:
    all of them, or the oldest and the newest."""
    rows = _waiting(queue).order_by("pk")
    found = rows.count()
    if found <= limit:
        return list(rows), found
    newest = list(rows.reverse()[: limit // 2])
    return [*rows[: limit - len(newest)], *reversed(newest)], found


def task_views() -> list[dict[str, Any]]:
    """All tasks that can be submitted by name, with whose code has them."""
    registry, overridden = known_tasks(), set_limits_by_task()
    views = [_task_view(registry.get(name), overridden) for name in registry]
    for task, row in remote_rows(registry):
        told = {"summary": row.summary, "schema": row.schema}
        views.append({**_task_view(task, overridden), **told, "where": "nodes"})
    return sorted(views, key=lambda view: view["name"])


def _task_view(task: Task, overridden: dict[str, Limit]) -> dict[str, Any]:
    limits = limits_view(task, overridden)
    return {"name": task.name, **describe_task(task), "limits": limits, "where": "nexus"}


def _depth(queue: str) -> int:
    return _waiting(queue).aggregate(n=Sum("waiting"))["n"] or 0


def _waiting(queue: str) -> QuerySet[Job]:
    ended = F("succeeded") + F("failed") + F("cancelled")
    rows = Job.objects.open().exclude(state=JobState.BLOCKED).filter(queue=queue)
    return rows.annotate(waiting=F("total") - ended - F("running")).filter(waiting__gt=0)
