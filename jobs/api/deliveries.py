"""REST for webhooks: what was told to whom, and another try."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from hive_site.kernel.errors import Invalid, NotFound
from jobs import services
from jobs.api.shapes import DELIVERY
from jobs.domain.delivery import DeliveryState
from jobs.models import Delivery
from jobs.selectors import stamp
from nodes.api.cursors import CURSOR, LIMIT, following, read_cursor, read_limit
from nodes.api.shapes import answers, one_of, page_of


def delivery_view(row: Delivery) -> dict[str, Any]:
    """A delivery as the API shows it."""
    return {
        "id": row.pk,
        "job": row.job,
        "url": row.url,
        "state": row.state,
        "tries": row.tries,
        "status": row.status,
        "error": row.error,
        "next_at": stamp(row.next_at) if row.state == DeliveryState.PENDING else None,
        "created_at": stamp(row.created_at),
        "ended_at": stamp(row.ended_at),
    }


@extend_schema(tags=["webhooks"])
class DeliveryListView(APIView):
    """Webhooks that were sent or will be."""

    @extend_schema(
        operation_id="deliveries_list",
        parameters=[
            OpenApiParameter("job", str, description="the id of a job"),
            OpenApiParameter("state", one_of(*DeliveryState)),
            CURSOR,
            LIMIT,
        ],
        responses=answers(page_of(DELIVERY)),
    )
    def get(self, request: Request) -> Response:
        """Deliveries, the newest first."""
        rows = Delivery.objects.defer("body").order_by("-pk")
        if job := request.query_params.get("job"):
            rows = rows.filter(job=job)
        if (state := request.query_params.get("state")) is not None:
            if state not in list(DeliveryState):
                raise Invalid(f"{state!r}; give one of {', '.join(DeliveryState)}", field="state")
            rows = rows.filter(state=state)
        limit, cursor = read_limit(request), read_cursor(request)
        if cursor:
            rows = rows.filter(pk__lt=cursor)
        found = list(rows[: limit + 1])
        more = following(request, found[limit - 1].pk) if len(found) > limit else None
        return Response({"results": [delivery_view(row) for row in found[:limit]], "next": more})


@extend_schema(tags=["webhooks"])
class DeliveryView(APIView):
    """One webhook."""

    @extend_schema(responses=answers(DELIVERY))
    def get(self, request: Request, delivery_id: str) -> Response:
        """One delivery: its state, its tries, the last answer."""
        row = Delivery.objects.filter(pk=delivery_id).first()
        if row is None:
            raise NotFound(f"no delivery has the id {delivery_id!r}")
        return Response(delivery_view(row))


@extend_schema(tags=["webhooks"])
class DeliveryRetryView(APIView):
    """Another chance for a webhook."""

    scope = "submit"
    right = "jobs.change_delivery"

    @extend_schema(request=None, responses=answers(DELIVERY, 202))
    def post(self, request: Request, delivery_id: str) -> Response:
        """Send a webhook that was not delivered again now."""
        row = services.retry_delivery(delivery_id=delivery_id)
        return Response(delivery_view(row), status=202)
