"""REST for what jobs are made of and where they wait: tasks and queues."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from jobs import selectors, services
from jobs.api.shapes import QUEUE, TASK
from jobs.signatures import describe
from jobs.validation import known_tasks
from nodes.api.shapes import answers, page_of


@extend_schema(tags=["tasks"])
class TaskListView(APIView):
    """The tasks that can be run."""

    @extend_schema(responses=answers(page_of(TASK)))
    def get(self, request: Request) -> Response:
        """Registered tasks with their options, and JSON Schema of item and kwargs where known."""
        registry = known_tasks()
        tasks = [registry.get(name) for name in registry]
        rows = [
            {
                "name": task.name,
                "summary": task.summary,
                "options": task.options(),
                "schema": describe(task.run),
            }
            for task in tasks
        ]
        return Response({"results": rows, "next": None})


@extend_schema(tags=["queues"])
class QueueListView(APIView):
    """The queues of waiting work."""

    @extend_schema(operation_id="queues_list", responses=answers(page_of(QUEUE)))
    def get(self, request: Request) -> Response:
        """Depth, oldest wait in seconds, and whether it is paused, of each queue."""
        return Response({"results": selectors.queue_views(), "next": None})


@extend_schema(tags=["queues"])
class QueueView(APIView):
    """One queue."""

    @extend_schema(responses=answers(QUEUE))
    def get(self, request: Request, name: str) -> Response:
        """One queue."""
        return Response(selectors.queue_view(name))


@extend_schema(tags=["queues"])
class QueueVerbView(APIView):
    """Pause or resume a queue."""

    scope = "control"
    verb = "pause"
    VERBS = {"pause": services.pause_queue, "resume": services.resume_queue}

    @extend_schema(request=None, responses=answers(QUEUE, 202))
    def post(self, request: Request, name: str) -> Response:
        """Pause: start nothing more from it. Resume: start again."""
        self.VERBS[self.verb](name=name)
        return Response(selectors.queue_view(name), status=202)
