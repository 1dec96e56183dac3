"""REST for values that are too large for a row: nodes fetch and leave them here."""

import hashlib
import re

from django.http import HttpResponse, StreamingHttpResponse
from drf_spectacular.utils import OpenApiTypes, extend_schema
from rest_framework.authentication import SessionAuthentication
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from hive_site.kernel.errors import Invalid, NotFound
from jobs import blobs
from jobs.api.streaming import stream_pieces
from jobs.domain.reports import MALFORMED
from jobs.domain.strict_json import check_json
from nodes.api.authentication import ApiKeyAuthentication
from nodes.api.node_signatures import NodeAuthentication, NodeSignature, NodesToo

JSON = "application/json"
SHA256 = re.compile(r"[0-9a-f]{64}")


@extend_schema(tags=["blobs"])
class BlobView(APIView):
    """One stored value, by its SHA-256."""

    authentication_classes = [ApiKeyAuthentication, NodeAuthentication, SessionAuthentication]
    permission_classes = [NodesToo]
    #: No key has it: values come from nodes, and from jobs that are submitted.
    scope = "node"

    def get_throttles(self) -> list[BaseThrottle]:
        """A node must not wait for its own work."""
        mine = isinstance(self.request.auth, NodeSignature)
        return [] if mine else super().get_throttles()

    @extend_schema(responses={(200, JSON): OpenApiTypes.ANY})
    def get(self, request: Request, sha256: str) -> StreamingHttpResponse:
        """The value as it was given: JSON."""
        pieces = blobs.read_chunks(check_name(sha256))
        return stream_pieces(request, pieces, content_type=JSON)

    @extend_schema(request={JSON: OpenApiTypes.ANY}, responses={204: None})
    def put(self, request: Request, sha256: str) -> HttpResponse:
        """Store a value, JSON with this SHA-256. Only nodes do; doing it twice is fine."""
        data = request._request.body
        if hashlib.sha256(data).hexdigest() != check_name(sha256):
            raise Invalid("these bytes have another SHA-256 than the address", field="sha256")
        try:
            check_json(data.decode())
        except MALFORMED as error:
            # Lists are made of stored values unread: what is none would say something else there.
            raise Invalid(f"is not JSON: {error}") from error
        blobs.keep_all([data])
        return HttpResponse(status=204)


def check_name(sha256: str) -> str:
    """The name, if it is one. Raises `NotFound`."""
    if not SHA256.fullmatch(sha256):
        raise NotFound(f"{sha256!r} is no SHA-256 in lower-case hexadecimal")
    return sha256
