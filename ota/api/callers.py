"""Who may ask here: launchers, who sign as nodes, and whoever may use the API."""

from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from hive_site.kernel.errors import NotAllowed
from nodes.api.authentication import ApiKeyAuthentication
from nodes.api.node_signatures import NodeAuthentication, NodeSignature, NodesToo


class NodesTooView(APIView):
    """A view for nodes, and for those whose key or user may do it."""

    authentication_classes: list[type[BaseAuthentication]] = [
        ApiKeyAuthentication,
        NodeAuthentication,
        SessionAuthentication,
    ]
    permission_classes: list[type[BasePermission]] = [NodesToo]
    #: No key has it.
    scope = "node"

    def get_throttles(self) -> list[BaseThrottle]:
        """A node must not wait for its own code."""
        mine = isinstance(self.request.auth, NodeSignature)
        return [] if mine else super().get_throttles()


def name_of(request: Request) -> str:
    """The node that asks. Raises `NotAllowed` for anybody else."""
    if not isinstance(request.auth, NodeSignature):
        raise NotAllowed("only a node may ask this, with its signature")
    return request.auth.node
