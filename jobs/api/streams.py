"""REST for jobs as they run: events, logs, and the grid of a job's subtasks."""

import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from functools import partial

import structlog
from django.http import HttpResponse, StreamingHttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from hive_site.kernel.errors import Gone, Invalid, NotFound
from hive_site.kernel.farewell import before_exit
from jobs import events, selectors, speech, waiting
from jobs.api.shapes import LOG
from jobs.api.streaming import AnyType
from jobs.channel import Page
from jobs.domain.following import Position
from jobs.domain.grid import draw
from jobs.hub import Hub
from jobs.sse import render
from nodes.api.crowds import followers
from nodes.api.cursors import INDEX
from nodes.api.shapes import answers, page_of

log = structlog.get_logger()
EVENTS, JSON = "text/event-stream", "application/json"
TEXT, BYTES = "text/plain; charset=utf-8", "application/octet-stream"
#: Nothing on the way may keep it or wait for more of it.
AT_ONCE = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


def read_page(job_id: str, after: Position) -> Page:
    """A page of a job's events."""
    found = events.read_page(job_id, after)
    body = render(found.records)
    return Page(body, found.end, found.whole, found.live, found.state, found.final)


def look_at_progress(jobs: set[str]) -> dict[str, dict[int, str]]:
    """What the subtasks of jobs say of how far they are, as JSON, by job and index."""
    told = speech.progress_told(jobs).items()
    return {job: {index: json.dumps(row) for index, row in rows.items()} for job, rows in told}


hub = Hub(waiting.bell, read=read_page, look=look_at_progress, before_exit=before_exit)


async def until_gone(stream: AsyncGenerator[bytes, None]) -> AsyncIterator[bytes]:
    """The stream of a job; if that is deleted it stops without an `end`.

    Whoever comes back for the rest is then told that there is no such job.
    """
    try:
        async with aclosing(stream):
            async for part in stream:
                yield part
    except Gone as fact:
        log.info("events.broke_off", reason=str(fact))


@extend_schema(tags=["jobs"])
class EventsView(APIView):
    """A job as it runs."""

    content_negotiation_class = AnyType

    @extend_schema(
        parameters=[
            OpenApiParameter("Last-Event-ID", str, OpenApiParameter.HEADER),
            OpenApiParameter("last_event_id", str, description="the same, for who sends no header"),
        ],
        responses={(200, EVENTS): str},
    )
    def get(self, request: Request, job_id: str) -> StreamingHttpResponse:
        """Server-sent events: `state`, `progress`, `partial`, `result`, `log`, and `end` with the
        job; then the stream closes. From the first on, or from the one after `Last-Event-ID`."""
        after = read_position(request)
        selectors.require_results(job_id)
        who = request.user.get_username()
        followers.enter(who)
        told = until_gone(hub.follow(job_id, after))
        answer = StreamingHttpResponse(told, content_type=EVENTS, headers=AT_ONCE)
        # Also if nobody ever asks for the first of it.
        answer._resource_closers.append(partial(followers.leave, who))
        return answer


@extend_schema(tags=["jobs"])
class LogView(APIView):
    """What a subtask said."""

    content_negotiation_class = AnyType

    @extend_schema(
        parameters=[OpenApiParameter("attempt", int, description="only of this one, from 1")],
        responses={(200, "text/plain"): str} | answers(page_of(LOG)),
    )
    def get(self, request: Request, job_id: str, index: int) -> HttpResponse:
        """What the attempts at a subtask printed and logged, as text or as JSON.

        The reduction's is that of the index after the last item's.
        """
        selectors.require_results(job_id)
        logs = speech.attempt_logs(job_id, index, attempt=read_attempt(request))
        if logs is None:
            raise NotFound(f"job {job_id} has no subtask {index}")
        if JSON in request.headers.get("Accept", ""):
            rows = [{"index": index, **log} for log in logs]
            return HttpResponse(json.dumps({"results": rows, "next": None}), content_type=JSON)
        return HttpResponse("".join(map(log_text, logs)), content_type=TEXT)


@extend_schema(tags=["jobs"])
class GridView(APIView):
    """All subtasks of a job at a glance."""

    content_negotiation_class = AnyType

    @extend_schema(responses={(200, BYTES): bytes})
    def get(self, request: Request, job_id: str) -> HttpResponse:
        """One byte for each item, in their order: 0 blocked, 1 waiting, 2 queued, 3 running,
        4 retrying, 5 succeeded, 6 failed, 7 cancelled, 8 quarantined."""
        selectors.require_results(job_id)
        states = selectors.map_rows(job_id).values_list("state", flat=True)
        return HttpResponse(draw(states), content_type=BYTES)


def log_text(log: dict[str, object]) -> str:
    """One attempt's log under a line that names it."""
    text = str(log["text"])
    end = "" if text.endswith("\n") else "\n"
    return f"--- attempt {log['attempt']} on {log['node']} ---\n{text}{end}"


def read_position(request: Request) -> Position:
    """Where the reader has got to: `Last-Event-ID`, else `?last_event_id=`. Raises `Invalid`."""
    text = request.headers.get("Last-Event-ID") or request.query_params.get("last_event_id")
    if not text:
        return Position()
    try:
        return Position.parse(text)
    except ValueError as error:
        rule = "give the id of the last event that arrived, or leave it out to begin at the first"
        raise Invalid(f"{text!r}; {rule}", field="Last-Event-ID") from error


def read_attempt(request: Request) -> int | None:
    """`?attempt=`, if it is given. Raises `Invalid`."""
    text = request.query_params.get("attempt")
    if text is None:
        return None
    if not INDEX.fullmatch(text) or not int(text):
        raise Invalid(f"{text!r}; give a whole number from 1", field="attempt")
    return int(text)
