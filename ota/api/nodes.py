"""REST for the version matrix."""

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from nodes.api.shapes import answers, page_of
from ota import selectors
from ota.api.shapes import HOME


@extend_schema(tags=["updates"])
class HomeListView(APIView):
    """Which node runs what."""

    @extend_schema(operation_id="ota_nodes_list", responses=answers(page_of(HOME)))
    def get(self, request: Request) -> Response:
        """All nodes: what they run, what is wanted of them, and what went wrong."""
        return Response({"results": selectors.home_views(timezone.now()), "next": None})
