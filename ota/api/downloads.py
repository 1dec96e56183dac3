"""Packages and wheels for nodes: from the disk piece by piece, from any byte on."""

import asyncio
import os
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import BinaryIO

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from drf_spectacular.utils import OpenApiParameter, OpenApiTypes, extend_schema
from rest_framework.authentication import SessionAuthentication
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from hive_site.kernel.errors import Invalid, NotFound
from nodes.api.authentication import ApiKeyAuthentication
from nodes.api.node_signatures import NodeAuthentication, NodeSignature, NodesToo
from nodes.api.problems import MEDIA_TYPE, problem
from nodes.api.shapes import PROBLEM, answers
from ota.api.ranges import Span, Unsatisfiable, is_known, is_same, read_range
from ota.api.shapes import WHEELS
from ota.storage import WHEEL, package_path, wheelhouse
from ota.wheelhouse import wheels_of

CHUNK_BYTES = 512 * 1024
ZIP, WHEEL_TYPE = "application/zip", "application/octet-stream"
SHA256 = re.compile(r"[0-9a-f]{64}")
LOCK = OpenApiParameter(
    "lock",
    {"type": "string", "pattern": "^[0-9a-f]{64}$"},
    required=True,
    description="SHA-256 of the lock of a release",
)
WHEEL_ANSWERS = {**answers(WHEELS), (404, MEDIA_TYPE): PROBLEM}


def file_of(content_type: str) -> dict[tuple[int, str], object]:
    """The answers of a file, for the document."""
    return {
        (200, content_type): OpenApiTypes.BINARY,
        (206, content_type): OpenApiTypes.BINARY,
        (416, MEDIA_TYPE): PROBLEM,
    }


class ForNodes(APIView):
    """What any node of the cluster may have, and keys and people who may read."""

    authentication_classes = [ApiKeyAuthentication, NodeAuthentication, SessionAuthentication]
    permission_classes = [NodesToo]
    scope = "ota"

    def get_throttles(self) -> list[BaseThrottle]:
        """A node must not wait for its own update."""
        mine = isinstance(self.request.auth, NodeSignature)
        return [] if mine else super().get_throttles()


@extend_schema(tags=["updates"])
class PackageView(ForNodes):
    """One package, by its SHA-256."""

    @extend_schema(operation_id="packages_retrieve", responses=file_of(ZIP))
    def get(self, request: Request, sha256: str) -> HttpResponseBase:
        """The ZIP; `Range` and `If-Range` resume a download."""
        if not SHA256.fullmatch(sha256):
            raise NotFound(f"{sha256!r} is no SHA-256 in lower-case hexadecimal")
        return serve(request, package_path(sha256), etag=f'"{sha256}"', content_type=ZIP)


@extend_schema(tags=["updates"])
class WheelListView(ForNodes):
    """The wheels of a lock."""

    @extend_schema(operation_id="wheels_list", parameters=[LOCK], responses=WHEEL_ANSWERS)
    def get(self, request: Request) -> Response:
        """Names and SHA-256 of the wheels here that the lock of a release names."""
        lock = request.query_params.get("lock", "")
        if not SHA256.fullmatch(lock):
            raise Invalid(f"{lock!r}; give the SHA-256 of a lock", field="lock")
        return Response({"wheels": wheels_of(lock)})


@extend_schema(tags=["updates"])
class WheelView(ForNodes):
    """One wheel, by its name."""

    @extend_schema(operation_id="wheels_retrieve", responses=file_of(WHEEL_TYPE))
    def get(self, request: Request, name: str) -> HttpResponseBase:
        """The wheel; `Range` and `If-Range` resume a download."""
        if not WHEEL.fullmatch(name):
            raise NotFound(f"{name!r} is no wheel's name")
        path = wheelhouse() / name
        return serve(request, path, etag=_stamp(path), content_type=WHEEL_TYPE)


def serve(request: Request, path: Path, *, etag: str, content_type: str) -> HttpResponseBase:
    """The file, a part of it, or why not. Raises `NotFound`."""
    headers = {"ETag": etag, "Accept-Ranges": "bytes", "Cache-Control": "private, no-cache"}
    if is_known(request.headers.get("If-None-Match"), etag):
        return HttpResponse(status=304, headers=headers)
    file = _open(path)
    size = os.fstat(file.fileno()).st_size
    try:
        asked = request.headers.get("Range") if request.method == "GET" else None
        span = read_range(asked, size) if is_same(request.headers.get("If-Range"), etag) else None
    except Unsatisfiable:
        file.close()
        headers = {"Content_Range": f"bytes */{size}", "ETag": etag, "Accept_Ranges": "bytes"}
        return problem(416, f"there are {size} bytes", **headers)
    if span:
        headers["Content-Range"] = span.of(size)
    part = span or Span(0, size)
    headers |= {"Content-Length": str(part.length), "Content-Type": content_type}
    if request.method == "HEAD":
        file.close()
        return HttpResponse(headers=headers)
    return _stream(request, file, part, status=206 if span else 200, headers=headers)


def _stream(
    request: Request, file: BinaryIO, part: Span, *, status: int, headers: dict[str, str]
) -> StreamingHttpResponse:
    file.seek(part.start)
    # Django collects the whole of an iterator of the wrong kind before it sends the first byte.
    is_async = isinstance(request._request, ASGIRequest)
    pieces = _walk_async(file, part.length) if is_async else _walk(file, part.length)
    response = StreamingHttpResponse(pieces, status=status, headers=headers)
    # Also if nobody ever asks for the first piece.
    response._resource_closers.append(file.close)
    return response


def _walk(file: BinaryIO, left: int) -> Iterator[bytes]:
    while left and (piece := file.read(min(CHUNK_BYTES, left))):
        left -= len(piece)
        yield piece


async def _walk_async(file: BinaryIO, left: int) -> AsyncIterator[bytes]:
    while left and (piece := await asyncio.to_thread(file.read, min(CHUNK_BYTES, left))):
        left -= len(piece)
        yield piece


def _open(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except FileNotFoundError:
        raise NotFound(f"{path.name} is not here; it may have been pruned") from None


def _stamp(path: Path) -> str:
    """Tells one wheel from another one of the same name."""
    try:
        about = path.stat()
    except FileNotFoundError:
        raise NotFound(f"{path.name} is not here") from None
    return f'"{about.st_size:x}-{about.st_mtime_ns:x}"'
