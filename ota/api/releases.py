"""REST for releases: parse, one service, render."""

import hashlib
from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from hive_site.kernel.errors import Invalid, TooLarge
from nodes.api.cursors import CURSOR, LIMIT, following, read_index, read_limit
from nodes.api.queries import IDEMPOTENCY, fingerprint, read_key_text
from nodes.api.shapes import answers, page_of
from ota import catalogue
from ota.api.shapes import PACKAGE_WISH, PUBLISHED, RELEASE, RELEASE_DETAIL
from ota.services.once import Once, make_once
from ota.services.publishing import publish
from ota.sidecar import MAX_BYTES
from ota.wheelhouse import gather_for

FIELDS = ("package", "channel", "signature")
#: While somebody waits for the answer.
PIP_SECONDS = 60.0
MULTIPART = "multipart/form-data"
AGAINST = OpenApiParameter("against", str, description="another version, to compare its files")


@extend_schema(tags=["updates"])
class ReleaseListView(APIView):
    """All releases."""

    scope = "ota"
    right = "ota.add_release"
    parser_classes = [MultiPartParser]

    @extend_schema(
        operation_id="releases_list",
        parameters=[CURSOR, LIMIT],
        responses=answers(page_of(RELEASE)),
    )
    def get(self, request: Request) -> Response:
        """All releases, the newest first."""
        last = read_index(request)
        rows, more = catalogue.release_views(
            before=None if last < 0 else last, limit=read_limit(request)
        )
        return Response({"results": rows, "next": following(request, more) if more else None})

    @extend_schema(
        parameters=[IDEMPOTENCY],
        request={MULTIPART: PACKAGE_WISH},
        responses=answers(PUBLISHED, 201),
    )
    def post(self, request: Request) -> Response:
        """Publish a package. The same bytes again are the same release."""
        wish = read_wish(request)
        who = request.user.get_username()
        once = read_once(request, wish, who)
        version, replayed = make_once(once, lambda: publish(**wish, who=who).version)
        row = catalogue.find_release(version)
        missing = gather_for(row, seconds=PIP_SECONDS).missing
        view = catalogue.detail_view(row)
        del view["difference"]
        body = {**view, "wheels_missing": list(missing)}
        headers = {"Location": request.build_absolute_uri(f"{request.path}{version}/")}
        if replayed:
            headers["Idempotency-Replayed"] = "true"
        return Response(body, status=201, headers=headers)


@extend_schema(tags=["updates"])
class ReleaseView(APIView):
    """One release."""

    scope = "ota"

    @extend_schema(parameters=[AGAINST], responses=answers(RELEASE_DETAIL))
    def get(self, request: Request, version: str) -> Response:
        """One release, and with `?against=` what differs from another one."""
        row = catalogue.find_release(version)
        return Response(catalogue.detail_view(row, request.query_params.get("against")))


def read_wish(request: Request) -> dict[str, Any]:
    """What is to be published. Raises `Invalid`."""
    # Before the body is read: without a type DRF takes it for an empty form.
    if not (request.content_type or "").startswith(MULTIPART):
        raise UnsupportedMediaType(request.content_type or "")
    for name in request.data:
        if name not in FIELDS:
            raise Invalid(f"is no field here; there are {', '.join(FIELDS)}", field=str(name))
    package = request.FILES.get("package")
    if package is None:
        raise Invalid("give the package as a file of a multipart form", field="package")
    signature = read_signature(request.data.get("signature"))
    channel = request.data.get("channel") or ("stable" if signature else "dev")
    return {"file": package.file, "channel": str(channel), "signature": signature}


def read_once(request: Request, wish: dict[str, Any], who: str) -> Once | None:
    """The caller's Idempotency-Key with a fingerprint of what it sent. Raises `Invalid`."""
    key = read_key_text(request)
    if key is None:
        return None
    # Not of the body: what parts a form is drawn anew whenever it is sent.
    digest = hashlib.file_digest(wish["file"], "sha256").digest()
    wish["file"].seek(0)
    sent = b"\n".join([digest, wish["channel"].encode(), wish["signature"] or b""])
    return Once(key, fingerprint(request, sent), caller=who)


def read_signature(given: Any) -> bytes | None:
    """What `ota sign` made, sent as a file or as a text; None if nothing was."""
    if not given:
        return None
    if isinstance(given, str):
        return given.encode()
    if given.size > MAX_BYTES:
        raise TooLarge(f"a signature may have {MAX_BYTES} bytes", field="signature")
    return bytes(given.read())
