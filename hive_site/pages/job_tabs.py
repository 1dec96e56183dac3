"""The tabs of a job's page, each with what its template shows."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.utils import timezone

from hive_site.pages.job_timeline import picture_of
from jobs import subtask_pages
from jobs.domain.grid import BYTES
from jobs.domain.states import TERMINAL
from jobs.error_groups import read_errors
from jobs.log_tail import read_place, read_tail
from jobs.models import Job
from jobs.previews import preview
from jobs.selectors import map_rows
from jobs.story import tell_story
from jobs.terminal_text import colour
from jobs.timeline import read_history
from nodes.api.cursors import INDEX

Context = dict[str, Any]
ENDED = sorted(TERMINAL)
#: What the tab Input names of how the job is run.
OPTIONS = (
    *("queue", "priority", "timeout", "retries", "backoff", "on_error", "idempotent"),
    *("at_most_once", "requires", "cache_for", "not_before", "deadline", "webhook", "codec"),
)


def tab_of(name: str, request: HttpRequest, job: Job) -> Context:
    """The context of a tab."""
    return TABS[name](request, job)


def read_index(request: HttpRequest, name: str) -> int | None:
    """A whole number from the address; None for what is none."""
    text = request.GET.get(name, "")
    return int(text) if INDEX.fullmatch(text) else None


def _after(request: HttpRequest) -> int:
    found = read_index(request, "after")
    return -1 if found is None else found


def _grid(request: HttpRequest, job: Job) -> Context:
    state, after = request.GET.get("state", ""), _after(request)
    groups = subtask_pages.GROUPS
    state = state if state in groups else ""
    return {
        "state": state,
        "legend": list(BYTES.items()),
        "groups": list(groups),
        "failed_first": [] if state or after >= 0 else subtask_pages.first_failed(job),
        "page": subtask_pages.by_index(job, after=after, states=groups.get(state, ())),
    }


def _timeline(request: HttpRequest, job: Job) -> Context:
    history = read_history(job, timezone.now())
    return {"picture": picture_of(history.timeline), "history": history}


def _results(request: HttpRequest, job: Job) -> Context:
    if request.GET.get("order") == "ended":
        place = read_place(request.GET.get("before"))
        page = subtask_pages.by_end(job, before=place)
        return {"page": page, "order": "ended", "is_first": place is None}
    after = _after(request)
    page = subtask_pages.by_index(job, after=after, states=ENDED)
    return {"page": page, "order": "", "is_first": after < 0}


def _errors(request: HttpRequest, job: Job) -> Context:
    return {"errors": read_errors(job)}


def _log(request: HttpRequest, job: Job) -> Context:
    index = read_index(request, "index")
    tail = read_tail(job, index=index, after=read_place(request.GET.get("after")))
    chunks = [(chunk, colour(chunk.text)) for chunk in tail.chunks]
    return {"index": index, "tail": tail, "chunks": chunks, "end": f"{tail.end[0]}.{tail.end[1]}"}


def _input(request: HttpRequest, job: Job) -> Context:
    after, size = _after(request), subtask_pages.PAGE
    items = list(map_rows(job.pk, after=after).values_list("index", "item")[: size + 1])
    return {
        "kwargs": preview(job.kwargs),
        "options": [(name, getattr(job, name)) for name in OPTIONS],
        "items": [(index, preview(item, most=1_200)) for index, item in items[:size]],
        "following": items[size - 1][0] if len(items) > size else None,
        "is_first": after < 0,
    }


def _events(request: HttpRequest, job: Job) -> Context:
    return {"story": tell_story(job)}


TABS: dict[str, Callable[[HttpRequest, Job], Context]] = {
    "grid": _grid,
    "timeline": _timeline,
    "results": _results,
    "errors": _errors,
    "log": _log,
    "input": _input,
    "events": _events,
}
