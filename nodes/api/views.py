"""REST for nodes and the cluster: parse, one service, render."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from nodes import selectors, services
from nodes.api.bodies import read_object
from nodes.api.shapes import CLUSTER, NODE, NODE_CHANGE, answers, page_of, takes
from nodes.domain.states import Intent

VERBS = {"drain": Intent.DRAIN, "cordon": Intent.CORDON, "resume": Intent.WORK}


@extend_schema(tags=["nodes"])
class NodeListView(APIView):
    """All nodes."""

    @extend_schema(operation_id="nodes_list", responses=answers(page_of(NODE)))
    def get(self, request: Request) -> Response:
        """All nodes with their state, load and labels."""
        return Response({"results": selectors.node_views(), "next": None})


@extend_schema(tags=["nodes"])
class NodeView(APIView):
    """One node."""

    scope = "control"
    right = {"PATCH": "nodes.change_node", "DELETE": "nodes.delete_node"}

    @extend_schema(responses=answers(NODE))
    def get(self, request: Request, name: str) -> Response:
        """One node."""
        return Response(selectors.node_view(name))

    @extend_schema(request=takes(NODE_CHANGE), responses=answers(NODE))
    def patch(self, request: Request, name: str) -> Response:
        """Set `slots` and `labels` of a node; `slots` null: what it was started with."""
        body = read_object(request, fields=("slots", "labels"))
        slots = body.get("slots", services.KEEP)
        services.change_node(name=name, slots=slots, labels=body.get("labels"))
        return Response(selectors.node_view(name))

    @extend_schema(responses={204: None})
    def delete(self, request: Request, name: str) -> Response:
        """Forget a lost node."""
        services.forget_node(name=name)
        return Response(status=204)


@extend_schema(tags=["nodes"])
class NodeVerbView(APIView):
    """Drain, cordon or resume a node."""

    scope = "control"
    verb = "resume"

    @extend_schema(request=None, responses=answers(NODE, 202))
    def post(self, request: Request, name: str) -> Response:
        """Drain: finish what runs, start nothing new. Cordon: start nothing new. Resume: work."""
        services.set_intent(name=name, intent=VERBS[self.verb])
        return Response(selectors.node_view(name), status=202)


@extend_schema(tags=["cluster"])
class ClusterView(APIView):
    """The cluster in figures."""

    @extend_schema(responses=answers(CLUSTER))
    def get(self, request: Request) -> Response:
        """Nodes, load, queues, throughput, and who leads."""
        return Response(selectors.cluster_view())
