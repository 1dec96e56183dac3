"""REST for schedules: jobs that come by the clock."""

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from jobs import services
from jobs.api.schedule_shapes import SCHEDULE, SCHEDULE_CHANGE, SCHEDULE_WISH
from jobs.api.shapes import JOB
from jobs.api.views import text_response
from jobs.json_text import page
from jobs.models import Schedule
from jobs.scheduled import schedule_text
from jobs.selectors import job_text
from jobs.services.scheduling import FIELDS
from nodes.api.bodies import read_object
from nodes.api.cursors import CURSOR, LIMIT, following, read_cursor, read_limit
from nodes.api.shapes import PROBLEM, answers, page_of, takes

#: There is one of that name.
TAKEN = {(409, "application/problem+json"): PROBLEM}


@extend_schema(tags=["schedules"])
class ScheduleListView(APIView):
    """All schedules."""

    scope = "submit"
    right = "jobs.add_schedule"

    @extend_schema(
        operation_id="schedules_list",
        parameters=[CURSOR, LIMIT],
        responses=answers(page_of(SCHEDULE)),
    )
    def get(self, request: Request) -> HttpResponse:
        """Schedules by name, each with its last and next run."""
        limit, cursor = read_limit(request), read_cursor(request)
        rows = Schedule.objects.order_by("name")
        if cursor:
            rows = rows.filter(name__gt=cursor)
        found = list(rows[: limit + 1])
        more = following(request, found[limit - 1].name) if len(found) > limit else None
        texts = [schedule_text(schedule) for schedule in found[:limit]]
        return text_response(page("results", texts, following=more))

    @extend_schema(request=takes(SCHEDULE_WISH), responses=answers(SCHEDULE, 201) | TAKEN)
    def post(self, request: Request) -> HttpResponse:
        """Make a schedule: `name`, `cron`, and the `job` to submit each time."""
        fields = read_object(request, fields=FIELDS)
        who = request.user.get_username()
        schedule = services.create_schedule(fields, submitted_by=who)
        headers = {"Location": f"/api/v1/schedules/{schedule.name}/"}
        return text_response(schedule_text(schedule), status=201, **headers)


@extend_schema(tags=["schedules"])
class ScheduleView(APIView):
    """One schedule."""

    scope = "submit"
    right = {"PATCH": "jobs.change_schedule", "DELETE": "jobs.delete_schedule"}

    @extend_schema(responses=answers(SCHEDULE))
    def get(self, request: Request, name: str) -> HttpResponse:
        """One schedule."""
        return text_response(schedule_text(services.get_schedule(name)))

    @extend_schema(request=takes(SCHEDULE_CHANGE), responses=answers(SCHEDULE))
    def patch(self, request: Request, name: str) -> HttpResponse:
        """Change what is given; `job` as a whole."""
        fields = read_object(request, fields=FIELDS)
        schedule = services.change_schedule(name=name, fields=fields)
        return text_response(schedule_text(schedule))

    @extend_schema(responses={204: None})
    def delete(self, request: Request, name: str) -> Response:
        """Forget a schedule; its jobs stay."""
        services.delete_schedule(name=name)
        return Response(status=204)


@extend_schema(tags=["schedules"])
class ScheduleRunView(APIView):
    """A run besides the times of a schedule."""

    scope = "submit"
    right = "jobs.change_schedule"

    @extend_schema(request=None, responses=answers(JOB, 202))
    def post(self, request: Request, name: str) -> HttpResponse:
        """Submit its job now."""
        job = services.run_schedule(name=name, submitted_by=request.user.get_username())
        headers = {"Location": f"/api/v1/jobs/{job.pk}/"}
        return text_response(job_text(job), status=202, **headers)
