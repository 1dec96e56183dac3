"""REST for launchers: they say how they are, and hear what is wanted."""

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from nodes.api.bodies import read_object
from nodes.api.shapes import answers, takes
from ota.api.callers import NodesTooView, name_of
from ota.api.shapes import REPORT, SYNC
from ota.services.syncing import sync


@extend_schema(tags=["updates"])
class SyncView(NodesTooView):
    """A node's report, and what is wanted of it."""

    @extend_schema(operation_id="ota_sync", request=takes(REPORT), responses=answers(SYNC))
    def post(self, request: Request) -> Response:
        """Report, and hear what is wanted. Only nodes do; doing it twice is fine."""
        node = name_of(request)
        return Response(sync(node=node, body=read_object(request), now=timezone.now()))
