"""REST for what nodes trust: the root that they pin, and the signed metadata."""

import hashlib
import json

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from hive_site.kernel.envelope import seal
from hive_site.kernel.errors import Invalid, NotFound
from nodes.api.problems import MEDIA_TYPE
from nodes.api.shapes import PROBLEM, answers
from nodes.credentials import key_of
from ota.api.callers import NodesTooView, name_of
from ota.api.shapes import METADATA, ROOT
from ota.repositories import open_repository

PURPOSE_ROOT = "root"
NOTHING = {(404, MEDIA_TYPE): PROBLEM}
MAX_ROOT = 10**6
NOTHING_YET = "nothing was published yet, so there is nothing to trust"


@extend_schema(tags=["updates"])
class RootView(NodesTooView):
    """The newest root."""

    @extend_schema(operation_id="ota_root", responses={**answers(ROOT), **NOTHING})
    def get(self, request: Request) -> Response:
        """The newest root, sealed with the node's key: what it pins at first contact."""
        node, repository = name_of(request), open_repository()
        if repository is None:
            raise NotFound(NOTHING_YET)
        root = repository.root().decode()
        envelope = seal(root, key=key_of(node), purpose=PURPOSE_ROOT)
        return Response({"root": envelope.decode()})


@extend_schema(tags=["updates"])
class MetadataView(NodesTooView):
    """All signed metadata in one answer."""

    @extend_schema(
        operation_id="ota_metadata",
        parameters=[
            OpenApiParameter(
                "root_from",
                {"type": "integer", "minimum": 0, "maximum": MAX_ROOT, "default": 0},
                description="the version of the newest root that is known",
            )
        ],
        responses={**answers(METADATA), **NOTHING, 304: None},
    )
    def get(self, request: Request) -> HttpResponse:
        """Later roots, timestamp, snapshot and targets; `ETag` tells whether they changed."""
        root_from, repository = read_root_from(request), open_repository()
        if repository is None:
            raise NotFound(NOTHING_YET)
        text = json.dumps(repository.bundle(root_from), sort_keys=True)
        etag = f'"{hashlib.sha256(text.encode()).hexdigest()}"'
        if request.headers.get("If-None-Match") == etag:
            return HttpResponse(status=304, headers={"ETag": etag})
        return HttpResponse(text, content_type="application/json", headers={"ETag": etag})


def read_root_from(request: Request) -> int:
    """`?root_from=`. Raises `Invalid`."""
    text = request.query_params.get("root_from", "0")
    if not (text.isascii() and text.isdecimal() and len(text) < 8 and int(text) <= MAX_ROOT):
        raise Invalid(f"{text[:20]!r}; give the version of a root, from 0", field="root_from")
    return int(text)
