"""REST for jobs: parse, one service, render. Results go out as the text they came in."""

import hashlib
from typing import Any

from django.http import HttpResponse, StreamingHttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from hive_site.kernel.errors import Invalid, NotFound
from jobs import selectors, services
from jobs.api.cursors import following, read_cursor, read_index, read_limit
from jobs.api.filters import filter_jobs, filter_subtasks
from jobs.api.shapes import JOB, JOB_WISH, RESULT, SUBTASK
from jobs.json_text import page
from jobs.models import Job
from jobs.services import Idempotency
from jobs.validation import WishFields
from jobs.waiting import wait_for_jobs
from nodes.api.bodies import read_object
from nodes.api.shapes import answers, page_of, takes

JSON, NDJSON = "application/json", "application/x-ndjson"
MAX_WAIT_SECONDS = 60.0
MAX_KEY_CHARS = 255
CURSOR = OpenApiParameter("cursor", str, description="from `next` of the page before")
LIMIT = OpenApiParameter("limit", int, description="rows of a page, 1 to 1000")


def text_response(text: str, status: int = 200, **headers: str) -> HttpResponse:
    """JSON that is text already."""
    return HttpResponse(text, status=status, content_type=JSON, headers=headers)


@extend_schema(tags=["jobs"])
class JobListView(APIView):
    """Submit jobs, list jobs."""

    scope = "submit"

    @extend_schema(
        operation_id="jobs_list",
        parameters=[
            *(OpenApiParameter(name, str) for name in ("state", "task", "queue", "workflow", "q")),
            CURSOR,
            LIMIT,
        ],
        responses=answers(page_of(JOB)),
    )
    def get(self, request: Request) -> HttpResponse:
        """Jobs, the newest first; `label.k=v` filters by label."""
        rows = filter_jobs(Job.objects.order_by("-pk"), request)
        limit, cursor = read_limit(request), read_cursor(request)
        if cursor:
            rows = rows.filter(pk__lt=cursor)
        jobs = list(rows[: limit + 1])
        more = following(request, jobs[limit - 1].pk) if len(jobs) > limit else None
        texts = [selectors.job_text(job) for job in jobs[:limit]]
        return text_response(page("results", texts, following=more))

    @extend_schema(
        request=takes(JOB_WISH),
        responses=answers(JOB, 202),
        parameters=[OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER)],
    )
    def post(self, request: Request) -> HttpResponse:
        """Submit a job: `task`, `items` and the options of a job."""
        who = request.user.get_username()
        key = read_idempotency(request, who)
        wish = read_object(request, fields=tuple(WishFields.__annotations__))
        if "task" not in wish:
            raise Invalid("name the task to run", field="task")
        if key is None:
            job, replayed = services.submit_job(submitted_by=who, **wish), False
        else:
            job, replayed = services.submit_once(key, submitted_by=who, **wish)
        headers = {"Location": f"/api/v1/jobs/{job.pk}/"}
        if replayed:
            headers["Idempotency-Replayed"] = "true"
        return text_response(selectors.job_text(job), status=202, **headers)


@extend_schema(tags=["jobs"])
class JobView(APIView):
    """One job."""

    scope = "submit"

    @extend_schema(
        parameters=[OpenApiParameter("wait", float, description="seconds to wait for its end")],
        responses=answers(JOB),
    )
    def get(self, request: Request, job_id: str) -> HttpResponse:
        """The job; with `wait`, as soon as it has ended or the time is over."""
        seconds = read_wait(request)
        selectors.get_job(job_id)
        if seconds:
            wait_for_jobs([job_id], timeout=seconds)
        return text_response(selectors.job_text(selectors.get_job(job_id)))

    @extend_schema(responses={204: None})
    def delete(self, request: Request, job_id: str) -> Response:
        """Forget a job that has ended."""
        services.delete_job(job_id=job_id)
        return Response(status=204)


@extend_schema(tags=["jobs"])
class JobVerbView(APIView):
    """Cancel, retry, pause or resume a job."""

    scope = "submit"
    verb = "cancel"
    VERBS = {
        "cancel": services.cancel_job,
        "retry": services.retry_job,
        "pause": services.pause_job,
        "resume": services.resume_job,
    }

    @extend_schema(request=None, responses=answers(JOB, 202))
    def post(self, request: Request, job_id: str) -> HttpResponse:
        """Cancel a job; retry what did not succeed; pause; resume."""
        job = self.VERBS[self.verb](job_id=job_id)
        return text_response(selectors.job_text(job), status=202)


class AnyType(BaseContentNegotiation):
    """The view itself looks at Accept: its answers are no renderer's."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        """The first parser; there is nothing to parse."""
        return parsers[0]

    def select_renderer(self, request: Request, renderers: Any, format_suffix: Any = None) -> Any:
        """The first renderer, for errors."""
        return renderers[0], renderers[0].media_type


@extend_schema(tags=["jobs"])
class ResultsView(APIView):
    """The results of a job."""

    content_negotiation_class = AnyType

    @extend_schema(
        parameters=[CURSOR, LIMIT], responses=answers(page_of(RESULT)) | {(200, NDJSON): str}
    )
    def get(self, request: Request, job_id: str) -> HttpResponse | StreamingHttpResponse:
        """Results in item order, in pages; all of them with `Accept: application/x-ndjson`."""
        selectors.get_job(job_id)
        if NDJSON in request.headers.get("Accept", ""):
            lines = (f"{text}\n" for _, text in selectors.result_texts(selectors.map_rows(job_id)))
            return StreamingHttpResponse(lines, content_type=NDJSON)
        limit = read_limit(request)
        rows = selectors.map_rows(job_id, after=read_index(request))[: limit + 1]
        return rows_response(request, list(selectors.result_texts(rows)), limit)


@extend_schema(tags=["jobs"])
class SubtaskListView(APIView):
    """The subtasks of a job."""

    @extend_schema(
        operation_id="subtasks_list",
        parameters=[OpenApiParameter("state", str), CURSOR, LIMIT],
        responses=answers(page_of(RESULT)),
    )
    def get(self, request: Request, job_id: str) -> HttpResponse:
        """Subtasks in item order."""
        selectors.get_job(job_id)
        limit = read_limit(request)
        rows = selectors.map_rows(job_id, after=read_index(request))
        rows = filter_subtasks(rows, request)[: limit + 1]
        return rows_response(request, list(selectors.result_texts(rows)), limit)


@extend_schema(tags=["jobs"])
class SubtaskView(APIView):
    """One subtask."""

    @extend_schema(responses=answers(SUBTASK))
    def get(self, request: Request, job_id: str, index: int) -> HttpResponse:
        """One subtask with its item and every attempt that was not a plain first success."""
        selectors.get_job(job_id)
        text = selectors.subtask_text(job_id, index)
        if text is None:
            raise NotFound(f"job {job_id} has no subtask {index}")
        return text_response(text)


@extend_schema(tags=["jobs"])
class SubtaskReleaseView(APIView):
    """Another chance for poison."""

    scope = "submit"

    @extend_schema(request=None, responses=answers(JOB, 202))
    def post(self, request: Request, job_id: str, index: int) -> HttpResponse:
        """Release a subtask from quarantine: it is tried again, with fresh budgets."""
        job = services.release_subtask(job_id=job_id, index=index)
        return text_response(selectors.job_text(job), status=202)


def rows_response(request: Request, rows: list[tuple[int, str]], limit: int) -> HttpResponse:
    """A page of rows, of which one too many says that there is another page."""
    more = following(request, rows[limit - 1][0]) if len(rows) > limit else None
    return text_response(page("results", (text for _, text in rows[:limit]), following=more))


def read_wait(request: Request) -> float:
    """`?wait=` in seconds, 60 at most. Raises `Invalid`."""
    text = request.query_params.get("wait", "0")
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= MAX_WAIT_SECONDS:
        rule = f"give seconds from 0 to {MAX_WAIT_SECONDS:.0f}"
        raise Invalid(f"{text!r}; {rule}", field="wait")
    return seconds


def read_idempotency(request: Request, caller: str) -> Idempotency | None:
    """The caller's Idempotency-Key with a fingerprint of its request. Raises `Invalid`."""
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return None
    if not 0 < len(key) <= MAX_KEY_CHARS or not key.isprintable():
        rule = f"give 1 to {MAX_KEY_CHARS} printable characters"
        raise Invalid(rule, field="Idempotency-Key")
    seen = f"{request.method} {request.path}\n".encode() + request.body
    return Idempotency(key, caller, hashlib.sha256(seen).hexdigest())
