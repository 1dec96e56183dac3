"""REST for many jobs at once: workflows, and verbs for all that a filter finds."""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from hive_site.kernel.errors import Invalid
from jobs import selectors, services
from jobs.api.pages import text_response
from jobs.api.shapes import SWEEP, SWEEP_WISH, WORKFLOW, WORKFLOW_WISH
from jobs.api.views import read_idempotency
from jobs.services.bulk import Sweep, cancel_jobs, retry_jobs
from jobs.waiting import wait_for_jobs
from nodes.api.bodies import read_object
from nodes.api.crowds import waiters
from nodes.api.permissions import has_scope
from nodes.api.queries import read_wait
from nodes.api.shapes import PROBLEM, answers, takes

REFUSED = {(400, "application/problem+json"): PROBLEM}
MISSING = {(404, "application/problem+json"): PROBLEM}
CONFLICT = {(409, "application/problem+json"): PROBLEM}


@extend_schema(tags=["workflows"])
class WorkflowListView(APIView):
    """Submit whole graphs of jobs."""

    scope = "submit"

    @extend_schema(
        request=takes(WORKFLOW_WISH),
        responses=answers(WORKFLOW, 202) | REFUSED,
        parameters=[OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER)],
    )
    def post(self, request: Request) -> HttpResponse:
        """Submit jobs that wait for each other: all of them, or none."""
        who = request.user.get_username()
        text = request.body  # before it is parsed, or it cannot be read any more
        key = read_idempotency(request, who)
        jobs = read_object(request, fields=("jobs",)).get("jobs")
        refuse_doubles(text)
        caller: dict[str, Any] = {"submitted_by": who, "may_pickle": has_scope(request, "pickle")}
        if key is None:
            made, replayed = services.submit_workflow(jobs, **caller), False
        else:
            made, replayed = services.submit_workflow_once(key, jobs, **caller)
        headers = {"Location": request.build_absolute_uri(f"{request.path}{made[0].workflow}/")}
        if replayed:
            headers["Idempotency-Replayed"] = "true"
        return text_response(selectors.workflow_text(made), status=202, **headers)


@extend_schema(tags=["workflows"])
class WorkflowView(APIView):
    """One workflow."""

    @extend_schema(
        parameters=[OpenApiParameter("wait", float, description="seconds to wait for its end")],
        responses=answers(WORKFLOW) | MISSING,
    )
    def get(self, request: Request, workflow: str) -> HttpResponse:
        """Its jobs by name; with `wait`, as soon as all have ended or the time is over."""
        seconds = read_wait(request)
        jobs = selectors.workflow_jobs(workflow)
        if seconds:
            with waiters.place(request):
                wait_for_jobs([job.pk for job in jobs], timeout=seconds)
            jobs = selectors.workflow_jobs(workflow)
        return text_response(selectors.workflow_text(jobs))


@extend_schema(tags=["workflows"])
class WorkflowCancelView(APIView):
    """Stop a workflow."""

    scope = "submit"
    right = "jobs.change_job"

    @extend_schema(request=None, responses=answers(WORKFLOW, 202) | MISSING | CONFLICT)
    def post(self, request: Request, workflow: str) -> HttpResponse:
        """Cancel every job of it that has not ended."""
        jobs = services.cancel_workflow(workflow=workflow)
        return text_response(selectors.workflow_text(jobs), status=202)


class SweepView(APIView):
    """Something is done to all jobs that a filter finds."""

    scope = "submit"
    right = "jobs.change_job"
    verb: Callable[..., Sweep]

    def post(self, request: Request) -> Response:
        """Do it to all jobs that the filter finds; with `dry_run`, only find them."""
        wish = read_object(request, fields=("filter", "dry_run"))
        dry_run = wish.get("dry_run", False)
        if not isinstance(dry_run, bool):
            raise Invalid(f"{dry_run!r}; give true or false", field="dry_run")
        return Response(asdict(self.verb(filter=wish.get("filter"), dry_run=dry_run)))


def documented(name: str) -> Any:
    """How such a view is shown in the OpenAPI document."""
    shown = extend_schema(
        tags=["jobs"],
        operation_id=name,
        request=takes(SWEEP_WISH),
        responses=answers(SWEEP) | REFUSED,
    )
    return extend_schema_view(post=shown)


@documented("jobs_cancel_many")
class CancelJobsView(SweepView):
    """Cancel whatever has not ended of the jobs that a filter finds."""

    verb = staticmethod(cancel_jobs)


@documented("jobs_retry_many")
class RetryJobsView(SweepView):
    """Retry what did not succeed of the jobs that a filter finds, 1,000 jobs at a time."""

    verb = staticmethod(retry_jobs)


class Pairs(dict[str, Any]):
    """A JSON object that remembers which of its names came twice."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        self.doubles: list[str] = []
        if len(self) < len(pairs):
            names = Counter(name for name, _ in pairs)
            self.doubles = [name for name, count in names.items() if count > 1]


def refuse_doubles(text: bytes) -> None:
    """Raises `Invalid` if two jobs have one name: the second would silently replace the first."""
    if not text:
        return  # nothing was named at all, which is refused for its own reason
    jobs = json.loads(text, object_pairs_hook=Pairs).get("jobs")
    if isinstance(jobs, Pairs) and jobs.doubles:
        raise Invalid(f"{jobs.doubles[0]!r} is there twice", field="jobs")
