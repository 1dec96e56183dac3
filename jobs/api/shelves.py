"""REST for what jobs are made of and where they wait: tasks and queues."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from jobs import services, shelves
from jobs.api.shapes import LIMITS, LIMITS_CHANGE, QUEUE, TASK
from jobs.limits import limits_view, set_limits_by_task
from nodes.api.bodies import read_object
from nodes.api.shapes import answers, page_of, takes


@extend_schema(tags=["tasks"])
class TaskListView(APIView):
    """The tasks that can be run."""

    @extend_schema(responses=answers(page_of(TASK)))
    def get(self, request: Request) -> Response:
        """Tasks with their options, and JSON Schema of item and kwargs where known.

        `where` says whose code has it: the Nexus's own, or only that of nodes.
        """
        return Response({"results": shelves.task_views(), "next": None})


@extend_schema(tags=["tasks"])
class TaskLimitsView(APIView):
    """How much of a task may run in the whole cluster."""

    scope = "control"
    right = {"PATCH": "jobs.change_tasklimit", "DELETE": "jobs.delete_tasklimit"}

    @extend_schema(responses=answers(LIMITS))
    def get(self, request: Request, name: str) -> Response:
        """The limits that count."""
        return self._answer(name)

    @extend_schema(request=takes(LIMITS_CHANGE), responses=answers(LIMITS))
    def patch(self, request: Request, name: str) -> Response:
        """Set `rate` and `concurrency`, whatever the task's code says; null: no limit."""
        body = read_object(request, fields=("rate", "concurrency"))
        services.set_limits(task=name, **body)
        return self._answer(name)

    @extend_schema(responses=answers(LIMITS))
    def delete(self, request: Request, name: str) -> Response:
        """Back to what the task's code says."""
        services.drop_limits(task=name)
        return self._answer(name)

    def _answer(self, name: str) -> Response:
        return Response(limits_view(services.require_task(name), set_limits_by_task()))


@extend_schema(tags=["queues"])
class QueueListView(APIView):
    """The queues of waiting work."""

    @extend_schema(operation_id="queues_list", responses=answers(page_of(QUEUE)))
    def get(self, request: Request) -> Response:
        """Depth, oldest wait in seconds, and whether it is paused, of each queue."""
        return Response({"results": shelves.queue_views(), "next": None})


@extend_schema(tags=["queues"])
class QueueView(APIView):
    """One queue."""

    @extend_schema(responses=answers(QUEUE))
    def get(self, request: Request, name: str) -> Response:
        """One queue."""
        return Response(shelves.queue_view(name))


@extend_schema(tags=["queues"])
class QueueVerbView(APIView):
    """Pause or resume a queue."""

    scope = "control"
    right = "jobs.change_queue"
    verb = "pause"
    VERBS = {"pause": services.pause_queue, "resume": services.resume_queue}

    @extend_schema(request=None, responses=answers(QUEUE, 202))
    def post(self, request: Request, name: str) -> Response:
        """Pause: start nothing more from it. Resume: start again."""
        self.VERBS[self.verb](name=name)
        return Response(shelves.queue_view(name), status=202)
