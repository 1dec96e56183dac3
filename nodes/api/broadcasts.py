"""REST for broadcasts: parse, one service, render."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from hive_site.kernel.errors import Invalid
from nodes import broadcasts
from nodes.answers import await_answers, broadcast_view
from nodes.api.bodies import read_object
from nodes.api.crowds import waiters
from nodes.api.cursors import CURSOR, LIMIT, following, read_cursor, read_limit
from nodes.api.queries import IDEMPOTENCY, WAIT, read_key, read_wait
from nodes.api.shapes import BROADCAST, BROADCAST_WISH, answers, page_of, takes
from nodes.models import Broadcast

FIELDS = ("command", "nodes", "data")
#: Whoever calls out wants to hear the answers.
WAIT_SECONDS = 2.0


@extend_schema(tags=["broadcasts"])
class BroadcastListView(APIView):
    """Call something out to nodes, and see what was called out."""

    scope = "control"
    right = "nodes.add_broadcast"

    @extend_schema(
        operation_id="broadcasts_list",
        parameters=[CURSOR, LIMIT],
        responses=answers(page_of(BROADCAST)),
    )
    def get(self, request: Request) -> Response:
        """Broadcasts, the newest first, with the answers that were read so far."""
        rows = Broadcast.objects.prefetch_related("acknowledgements")
        limit, cursor = read_limit(request), read_cursor(request)
        if cursor:
            rows = rows.filter(pk__lt=cursor)
        found = list(rows[: limit + 1])
        more = following(request, found[limit - 1].pk) if len(found) > limit else None
        return Response({"results": [broadcast_view(row) for row in found[:limit]], "next": more})

    @extend_schema(
        request=takes(BROADCAST_WISH),
        parameters=[WAIT, IDEMPOTENCY],
        responses=answers(BROADCAST, 202),
    )
    def post(self, request: Request) -> Response:
        """Call a command out to `nodes`, or to all; waits 2 seconds for answers unless told.

        It answers as soon as every node that is there has. PING echoes `data`; STATUS tells load,
        slots and release; DRAIN and RESUME decide whether nodes get new work; SHUTDOWN ends
        Spores gracefully; UPDATE_SYSTEM makes nodes look for the release that they should run.
        """
        seconds = read_wait(request, default=WAIT_SECONDS)
        key = read_key(request)
        body = read_object(request, fields=FIELDS)
        if "command" not in body:
            raise Invalid("say what to call out", field="command")
        broadcast, replayed = broadcasts.send_broadcast(
            **body,
            submitted_by=request.user.get_username(),
            once=broadcasts.Once(*key) if key else None,
        )
        await_answers(broadcast, seconds=seconds)
        headers = {"Location": request.build_absolute_uri(f"{request.path}{broadcast.pk}/")}
        if replayed:
            headers["Idempotency-Replayed"] = "true"
        return Response(broadcast_view(broadcast), status=202, headers=headers)


@extend_schema(tags=["broadcasts"])
class BroadcastView(APIView):
    """One broadcast."""

    @extend_schema(parameters=[WAIT], responses=answers(BROADCAST))
    def get(self, request: Request, broadcast_id: str) -> Response:
        """One broadcast with the answers that came, for which it may `wait`."""
        seconds = read_wait(request)
        broadcast = broadcasts.get_broadcast(broadcast_id)
        with waiters.place(request):
            await_answers(broadcast, seconds=seconds)
        return Response(broadcast_view(broadcast))
