"""REST for jobs: parse, one service, render. Results go out as the text they came in."""

from functools import partial
from typing import Any

from django.http import HttpResponse, StreamingHttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from hive_site.kernel.errors import Invalid, NotFound
from jobs import selectors, services
from jobs.api.filters import filter_jobs, filter_subtasks
from jobs.api.pages import rows_response, text_response
from jobs.api.shapes import JOB, JOB_WISH, RESULT, SUBTASK
from jobs.api.streaming import AnyType, result_lines, stream_pages
from jobs.json_text import page
from jobs.models import Job
from jobs.reasons import why_job_waits, why_jobs_wait
from jobs.services import Idempotency
from jobs.validation import WishFields
from jobs.waiting import wait_for_jobs
from nodes.api.bodies import read_object
from nodes.api.crowds import waiters
from nodes.api.cursors import CURSOR, LIMIT, following, read_cursor, read_index, read_limit
from nodes.api.permissions import has_scope
from nodes.api.queries import IDEMPOTENCY, WAIT, read_key, read_wait
from nodes.api.shapes import answers, page_of, takes

NDJSON = "application/x-ndjson"


@extend_schema(tags=["jobs"])
class JobListView(APIView):
    """Submit jobs, list jobs."""

    scope = "submit"

    @extend_schema(
        operation_id="jobs_list",
        parameters=[
            OpenApiParameter("state", str, description="some of the states, with commas between"),
            *(OpenApiParameter(name, str) for name in ("task", "queue", "workflow", "q")),
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
        why = why_jobs_wait(jobs[:limit])
        texts = [
            selectors.job_text(job, waiting_for=why.get(job.pk), brief=True) for job in jobs[:limit]
        ]
        return text_response(page("results", texts, following=more))

    @extend_schema(
        request=takes(JOB_WISH),
        responses=answers(JOB, 202),
        parameters=[IDEMPOTENCY],
    )
    def post(self, request: Request) -> HttpResponse:
        """Submit a job: `task`, `items` and the options of a job."""
        who = request.user.get_username()
        key = read_idempotency(request, who)
        wish = read_object(request, fields=tuple(WishFields.__annotations__))
        if "task" not in wish:
            raise Invalid("name the task to run", field="task")
        caller: dict[str, Any] = {"submitted_by": who, "may_pickle": has_scope(request, "pickle")}
        if key is None:
            job, replayed = services.submit_job(**caller, **wish), False
        else:
            job, replayed = services.submit_once(key, **caller, **wish)
        headers = {"Location": request.build_absolute_uri(f"{request.path}{job.pk}/")}
        if replayed:
            headers["Idempotency-Replayed"] = "true"
        return text_response(selectors.job_text(job), status=202, **headers)


@extend_schema(tags=["jobs"])
class JobView(APIView):
    """One job."""

    scope = "submit"
    right = "jobs.delete_job"

    @extend_schema(
        parameters=[WAIT],
        responses=answers(JOB),
    )
    def get(self, request: Request, job_id: str) -> HttpResponse:
        """The job; with `wait`, as soon as it has ended or the time is over."""
        seconds = read_wait(request)
        selectors.get_job(job_id)
        if seconds:
            with waiters.place(request):
                wait_for_jobs([job_id], timeout=seconds)
        job = selectors.get_job(job_id)
        return text_response(selectors.job_text(job, waiting_for=why_job_waits(job)))

    @extend_schema(responses={204: None})
    def delete(self, request: Request, job_id: str) -> Response:
        """Forget a job that has ended."""
        services.delete_job(job_id=job_id)
        return Response(status=204)


@extend_schema(tags=["jobs"])
class JobVerbView(APIView):
    """Cancel, retry, pause or resume a job."""

    scope = "submit"
    right = "jobs.change_job"
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


@extend_schema(tags=["jobs"])
class ResultsView(APIView):
    """The results of a job."""

    content_negotiation_class = AnyType

    @extend_schema(
        parameters=[CURSOR, LIMIT], responses=answers(page_of(RESULT)) | {(200, NDJSON): str}
    )
    def get(self, request: Request, job_id: str) -> HttpResponse | StreamingHttpResponse:
        """Results in item order, in pages; all of them with `Accept: application/x-ndjson`."""
        job = selectors.require_results(job_id)
        if NDJSON in request.headers.get("Accept", ""):
            pages = partial(result_lines, job_id, total=job.total)
            return stream_pages(request, pages, start=-1, content_type=NDJSON)
        limit = read_limit(request)
        rows = selectors.map_rows(job_id, after=read_index(request))[: limit + 1]
        return rows_response(request, selectors.result_texts(rows), limit)


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
        selectors.require_results(job_id)
        limit = read_limit(request)
        rows = selectors.map_rows(job_id, after=read_index(request))
        rows = filter_subtasks(rows, request)[: limit + 1]
        return rows_response(request, selectors.result_texts(rows), limit)


@extend_schema(tags=["jobs"])
class SubtaskView(APIView):
    """One subtask."""

    @extend_schema(responses=answers(SUBTASK))
    def get(self, request: Request, job_id: str, index: int) -> HttpResponse:
        """One subtask with its item and every attempt that was not a plain first success; `why`
        says why it ran where it did, or why it waits."""
        selectors.require_results(job_id)
        text = selectors.subtask_text(selectors.get_job(job_id), index)
        if text is None:
            raise NotFound(f"job {job_id} has no subtask {index}")
        return text_response(text)


@extend_schema(tags=["jobs"])
class SubtaskReleaseView(APIView):
    """Another chance for poison."""

    scope = "submit"
    right = "jobs.change_job"

    @extend_schema(request=None, responses=answers(JOB, 202))
    def post(self, request: Request, job_id: str, index: int) -> HttpResponse:
        """Release a subtask from quarantine: it is tried again, with fresh budgets."""
        job = services.release_subtask(job_id=job_id, index=index)
        return text_response(selectors.job_text(job), status=202)


def read_idempotency(request: Request, caller: str) -> Idempotency | None:
    """The caller's Idempotency-Key with a fingerprint of its request. Raises `Invalid`."""
    key = read_key(request)
    return Idempotency(key[0], caller, key[1]) if key else None
