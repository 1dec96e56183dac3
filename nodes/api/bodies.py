"""Request bodies: JSON objects with known fields, within the limit."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from rest_framework.request import Request

from hive_site.kernel.errors import Invalid
from nodes.api.problems import too_big


def read_object(request: Request, *, fields: tuple[str, ...] | None = None) -> dict[str, Any]:
    """The body as a JSON object. Raises `Invalid`; for a field not in `fields`, with its name."""
    try:
        body = request.data
    except RecursionError as error:
        raise Invalid("this JSON is nested too deep") from error
    if not isinstance(body, dict):
        raise Invalid(f"give a JSON object, not {type(body).__name__}")
    for name in body:
        if fields is not None and name not in fields:
            raise Invalid(f"is no field here; there are {', '.join(fields)}", field=str(name))
    return dict(body)


def limit_of(path: str) -> int:
    """How many bytes a body may have that is sent there."""
    return int(settings.LARGE_BODIES.get(path, settings.DATA_UPLOAD_MAX_MEMORY_SIZE))


class BodyLimit:
    """Middleware: refuses a body over the limit before it is read."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._next = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """The answer of the site, or 413."""
        length = request.META.get("CONTENT_LENGTH") or "0"
        limit = limit_of(request.path)
        if request.path.startswith("/api/") and length.isdecimal() and int(length) > limit:
            return too_big(limit)
        return self._next(request)
