"""The queues of waiting work."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from hive_site.pages.charts import draw_chart, read_window
from hive_site.pages.first_look import FirstLook
from hive_site.pages.frame import page, show
from hive_site.pages.verbs import Kind
from jobs.domain.lanes import ROOM, Mood, draw_blocks, read_mood, time_to_drain
from jobs.models import Job, Queue
from jobs.shelves import queue_views, require_queue, waiting_jobs
from jobs.verbs import QUEUE_VERBS
from nodes import history

#: Jobs shown of those that wait in a queue: the oldest and the newest.
SHOWN_JOBS = 6
#: How old what waits is, by the limits of `ages` in the picture.
AGES = ("under 1 s", "under 10 s", "under 1 min", "older")
#: Blocks of a lane are so far from one another, in the units of its drawing.
BLOCK = 10
UNKNOWN: dict[str, Any] = {"in": None, "out": None, "ages": None}


@page
def queue_list(request: HttpRequest) -> HttpResponse:
    """All queues."""
    look, now = FirstLook(), timezone.now()
    window = read_window(request.GET.get("window"), tuple(history.WINDOWS))
    drawn = {} if look.trouble else look.picture.facts.get("queues", {})
    queues = [
        {
            **_lane({**UNKNOWN, **drawn.get(view["name"], {}), **view}),
            "past": draw_chart(f"queue/{view['name']}", window, now),
            **_waiting(view["name"]),
            "buttons": KIND.buttons(request, view["name"], _turn(view)),
        }
        for view in queue_views()
    ]
    context = {
        "queues": queues,
        "trouble": look.trouble,
        "window": window,
        "windows": history.WINDOWS,
        "idle": not any(queue["depth"] for queue in queues),
        "new": not Job.objects.exists(),
    }
    return show(request, "jobs/queues.html", context, at="queues")


def _lane(row: Mapping[str, Any]) -> dict[str, Any]:
    """A queue as it is drawn: its blocks, what becomes of it, and when it is empty."""
    depth, into, out, ages = (row[name] for name in ("depth", "in", "out", "ages"))
    flow = {"depth": depth, "into": into, "out": out}
    per_block, counts = draw_blocks(ages or [0] * len(AGES))
    mood = read_mood(paused=row["paused"], **flow)
    return {
        **row,
        "state": "paused" if row["paused"] else "open",
        "mood": mood,
        "drain": time_to_drain(**flow) if mood is Mood.DRAINING else None,
        "per_block": per_block,
        "blocks": _place(counts),
        "ages": list(zip(AGES, ages or [None] * len(AGES), strict=True)),
        "known": ages is not None,
    }


def _place(counts: list[int]) -> list[tuple[int, str]]:
    """The whole room from the left to the way out at the right: where, and of which age."""
    aged = [str(age) for age, count in enumerate(counts) for _ in range(count)]
    return [(n * BLOCK, age) for n, age in enumerate([""] * (ROOM - len(aged)) + aged)]


def _waiting(name: str) -> dict[str, Any]:
    jobs, count = waiting_jobs(name, SHOWN_JOBS)
    return {"jobs": jobs, "jobs_count": count, "left_out": count - len(jobs)}


def _turn(view: Mapping[str, Any]) -> str:
    return "resume" if view["paused"] else "pause"


def find_queue(name: str) -> Queue:
    """The queue's row; one that is not stored yet if nobody ever paused it. Raises `NotFound`."""
    return Queue.objects.filter(pk=name).first() or Queue(name=require_queue(name))


KIND = Kind(name="queue", place="queues", at="queues", find=find_queue, verbs=QUEUE_VERBS)
