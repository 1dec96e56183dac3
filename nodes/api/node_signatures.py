"""Nodes as callers of the API: they sign each request with the key that they share with us."""

import time
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import AnonymousUser
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from hive_site.kernel.envelope import Forged
from hive_site.kernel.signed_requests import SCHEME, read_authorization
from nodes.api.permissions import HasScope
from nodes.credentials import key_of


@dataclass(frozen=True, slots=True)
class NodeSignature:
    """What a node showed; stands where an API key would."""

    node: str


class NodeUser(AnonymousUser):
    """A machine of the cluster."""

    def __init__(self, node: str) -> None:
        super().__init__()
        self.username = f"node:{node}"

    @property
    def is_authenticated(self) -> bool:  # type: ignore[override]
        """Its signature was right."""
        return True


class NodeAuthentication(BaseAuthentication):
    """`Authorization: Node NAME:TIME:NONCE:HMAC` (hive_site/kernel/signed_requests.py)."""

    def authenticate(self, request: Request) -> tuple[Any, NodeSignature] | None:
        """The node; None if nobody claims to be one. Raises for a signature that is no good."""
        scheme, _, rest = get_authorization_header(request).partition(b" ")
        if scheme != SCHEME.encode():
            return None
        try:
            node = read_authorization(
                rest.decode("ascii", "replace"),
                key_of=key_of,
                method=str(request.method),
                path=request._request.path_info,
                now=time.time(),
            )
        except Forged as error:
            raise AuthenticationFailed(str(error)) from error
        return NodeUser(node), NodeSignature(node)


class NodesToo(HasScope):
    """What `HasScope` says of keys and people; any node of the cluster may do everything."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Whether this caller may send this method to this view."""
        return isinstance(request.auth, NodeSignature) or super().has_permission(request, view)


class NodeScheme(OpenApiAuthenticationExtension):
    """How the schema describes it."""

    target_class = NodeAuthentication
    name = "node"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """A header."""
        return {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "what Spores send: `Node NAME:TIME:NONCE:HMAC`",
        }
