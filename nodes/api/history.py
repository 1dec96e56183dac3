"""REST for the history of the cluster: parse, one read, render."""

from dataclasses import asdict

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from nodes import history
from nodes.api.shapes import SERIES, answers, one_of

SCOPE = OpenApiParameter(
    "scope", {"type": "string", "default": "cluster"}, description="cluster, queue/NAME, node/NAME"
)
WINDOW = OpenApiParameter(
    "window", {**one_of(*history.WINDOWS), "default": "1h"}, description="how far back it goes"
)


@extend_schema(tags=["cluster"])
class SeriesView(APIView):
    """What happened in the last minutes, hours or days."""

    @extend_schema(
        operation_id="series_retrieve", parameters=[SCOPE, WINDOW], responses=answers(SERIES)
    )
    def get(self, request: Request) -> Response:
        """The cluster, a queue or a node over time: means of each `step` seconds.

        `at` is in Unix seconds, and each list of `values` is as long as it; null is a gap, in
        which nobody measured. Rates are per second, loads 0 to 1, a node's traffic in MiB/s;
        `oldest_wait` is the longest of its step. Seconds one by one are kept for the `15m` of the
        cluster and of queues. What happens on nodes may show up to two minutes late.
        """
        scope = request.query_params.get("scope", "cluster")
        window = request.query_params.get("window", "1h")
        chart = history.read(scope, window, timezone.now())
        return Response({"scope": scope, "window": window, **asdict(chart)})
