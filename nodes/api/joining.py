"""REST for machines that join, and for putting nodes out."""

import math
from dataclasses import asdict
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.utils import extend_schema
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from hive_site.kernel.errors import Invalid, NotFound, TooLarge
from hive_site.kernel.limits import Limiter, parse_rate
from nodes import joining
from nodes.api.bodies import read_object
from nodes.api.shapes import JOIN_REQUEST, JOINED, REVOKED_NODE, answers, takes
from nodes.inbox import hurried_client
from nodes.joining import FindRoot

SCHEME = b"join"
MAX_BODY_BYTES = 16 * 1024
#: A whole rack behind one address joins in a minute; nobody keeps the Nexus busy with it.
RATE = "120 per minute"
_limiter = Limiter("join", parse_rate(RATE), client=hurried_client)


class AddressThrottle(BaseThrottle):
    """One allowance for each address: whoever asks here is nobody yet."""

    _wait = 0.0

    def allow_request(self, request: Request, view: Any) -> bool:
        """Whether somebody from there may go on."""
        self._wait = _limiter.take(_address(request))
        return not self._wait

    def wait(self) -> float:
        """Seconds until it may."""
        return math.ceil(self._wait)


class InviteAuthentication(BaseAuthentication):
    """`Authorization: Join hivejoin_…`; whether the token is any good is for `redeem` to say."""

    def authenticate(self, request: Request) -> tuple[AnonymousUser, str] | None:
        """Nobody yet, with a token; None if no token was shown."""
        scheme, _, token = get_authorization_header(request).partition(b" ")
        found = token.strip().decode("ascii", "replace") if scheme.lower() == SCHEME else ""
        return (AnonymousUser(), found) if found else None

    def authenticate_header(self, request: Request) -> str:
        """What a 401 asks for."""
        return 'Join realm="hive"'


class InviteScheme(OpenApiAuthenticationExtension):
    """How the schema describes it."""

    target_class = InviteAuthentication
    name = "invite"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """A header."""
        about = "what `hive invite` prints: `Join TOKEN`"
        return {"type": "apiKey", "in": "header", "name": "Authorization", "description": about}


class HasInvite(BasePermission):
    """Whoever shows a token."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Whether one was shown."""
        return isinstance(request.auth, str)


@extend_schema(tags=["nodes"])
class JoinView(APIView):
    """The door for machines with an invitation."""

    authentication_classes = [InviteAuthentication]
    permission_classes = [HasInvite]
    throttle_classes = [AddressThrottle]
    find_root: FindRoot = staticmethod(lambda: None)

    @extend_schema(
        operation_id="nodes_join", request=takes(JOIN_REQUEST), responses=answers(JOINED)
    )
    def post(self, request: Request) -> Response:
        """Join, with `Authorization: Join TOKEN`: its name, its keys, and where everything is.

        `nonce` is a number that the machine made by chance; with the same one it may ask again.
        """
        length = request.META.get("CONTENT_LENGTH") or "0"
        if not length.isdecimal() or int(length) > MAX_BODY_BYTES:
            raise TooLarge(f"{length} bytes; {MAX_BODY_BYTES} are allowed")
        body = read_object(request, fields=("nonce", "name", "host"))
        granted = joining.join(
            str(request.auth),
            nonce=_text(body, "nonce", least=32),
            name=_text(body, "name"),
            host=_text(body, "host"),
            address=_address(request),
            now=timezone.now(),
            find_root=self.find_root,
        )
        return Response(granted, headers={"Cache-Control": "no-store"})


@extend_schema(tags=["nodes"])
class AuthoritiesView(APIView):
    """Who vouches for this Nexus. No secret."""

    authentication_classes: list[type[BaseAuthentication]] = []
    permission_classes: list[type[BasePermission]] = []
    throttle_classes = [AddressThrottle]

    @extend_schema(exclude=True)
    def get(self, request: Request) -> HttpResponse:
        """Their certificates in PEM. Whoever joins knows their hash."""
        if text := joining.authorities():
            return HttpResponse(text, content_type="application/x-pem-file")
        raise NotFound("this Nexus has no authority of its own")


@extend_schema(tags=["nodes"])
class RevokeView(APIView):
    """Puts a node out."""

    scope = "control"
    right = "nodes.delete_node"

    @extend_schema(operation_id="nodes_revoke", request=None, responses=answers(REVOKED_NODE))
    def post(self, request: Request, name: str) -> Response:
        """Make the node's keys worthless, cut its connections, run its work elsewhere."""
        who = request.user.get_username()
        return Response(asdict(joining.revoke(name, who=who, now=timezone.now())))


def _text(body: dict[str, Any], name: str, *, least: int = 0) -> str:
    value = body.get(name, "")
    if not isinstance(value, str) or not least <= len(value) <= 200:
        raise Invalid(f"give a text of {least} to 200 characters", field=name)
    return value


def _address(request: Request) -> str:
    return str(request.META.get("REMOTE_ADDR", ""))
