"""Reads of the queues of waiting work."""

from typing import Any

from django.conf import settings
from django.db.models import F, Sum

from hive_site.kernel.errors import NotFound
from jobs.models import Job, Queue
from nodes.selectors import read_picture


def require_queue(name: str) -> str:
    """The name, if it is that of a queue. Raises `NotFound`."""
    if name not in settings.HIVE.queues:
        raise NotFound(f"no queue is named {name!r}; there are {', '.join(settings.HIVE.queues)}")
    return name


def queue_views() -> list[dict[str, Any]]:
    """All queues of waiting work: name, depth, oldest wait in seconds, paused or not."""
    paused = set(Queue.objects.filter(paused=True).values_list("name", flat=True))
    picture = read_picture()
    drawn = picture.get("queues", {}) if picture.get("fresh") else {}
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


def _depth(queue: str) -> int:
    ended = F("succeeded") + F("failed") + F("cancelled")
    waiting = Sum(F("total") - ended - F("running"))
    return Job.objects.open().filter(queue=queue).aggregate(n=waiting)["n"] or 0
