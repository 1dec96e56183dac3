"""Errors as `application/problem+json` (RFC 9457); every fact is mapped to a status here, once."""

import json
from typing import Any

import structlog
from django.conf import settings
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from rest_framework import exceptions
from rest_framework.views import exception_handler

from hive_site.kernel import errors

log = structlog.get_logger()
MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = 5
TITLES = {
    400: "Bad request",
    401: "Not authenticated",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    406: "Not acceptable",
    409: "Conflict",
    410: "Gone",
    413: "Too large",
    415: "Unsupported media type",
    416: "Range not satisfiable",
    422: "Unprocessable",
    429: "Too many requests",
    500: "Internal error",
    503: "Unavailable",
}

#: The first that fits counts.
STATUSES: tuple[tuple[type[Exception], int], ...] = (
    (errors.TooLarge, 413),
    (errors.NotAllowed, 403),
    (errors.Invalid, 400),
    (errors.NotFound, 404),
    (errors.Gone, 410),
    (Http404, 404),
    (errors.Conflict, 409),
    (errors.Unprocessable, 422),
    (PermissionDenied, 403),
)


def problem(
    status: int, detail: str, *, found: list[dict[str, str]] | None = None, **headers: str
) -> HttpResponse:
    """The response for one problem; `found` lists what is wrong where (JSON pointers)."""
    document = {
        "type": "about:blank",
        "title": TITLES.get(status, "Error"),
        "status": status,
        "detail": detail,
        **({"errors": found} if found else {}),
    }
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return HttpResponse(json.dumps(document), status=status, content_type=MEDIA_TYPE, headers=names)


def problem_handler(error: Exception, context: dict[str, Any]) -> HttpResponse | None:
    """DRF's exception handler: the response for what a view raised, None for a bug."""
    if isinstance(error, (errors.Unavailable, OperationalError, InterfaceError)):
        return unavailable(error)
    if isinstance(error, RequestDataTooBig):
        return too_big()
    for kind, status in STATUSES:
        if isinstance(error, kind):
            found = _pointed(error) if isinstance(error, errors.Invalid) else None
            return problem(status, str(error) or TITLES[status], found=found)
    return _of_rest_framework(error, context)


def too_big(limit: int = 0) -> HttpResponse:
    """For a body over the limit in bytes, which some addresses have of their own."""
    if limit > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
        return problem(413, f"a package and its signature may have {limit // 1024**2} MiB")
    return problem(413, "a body may have 32 MiB; send several jobs")


def unavailable(error: Exception) -> HttpResponse:
    """For an outage that passes."""
    log.warning("api.unavailable", error=str(error))
    detail = "the database is away; nothing was stored, try again later"
    if isinstance(error, errors.Unavailable):
        detail = str(error)
    return problem(503, detail, Retry_After=str(RETRY_AFTER_SECONDS))


def _of_rest_framework(error: Exception, context: dict[str, Any]) -> HttpResponse | None:
    answer = exception_handler(error, context)
    if answer is None or not isinstance(error, exceptions.APIException):
        return None
    kept = ("WWW-Authenticate", "Retry-After", "Allow")
    headers = {name.replace("-", "_"): answer[name] for name in kept if name in answer}
    return problem(answer.status_code, str(error.detail), **headers)


def _pointed(error: errors.Invalid) -> list[dict[str, str]]:
    if not error.field:
        return []
    # RFC 6901: a slash in a name is not one between names
    escaped = error.field.replace("~", "~0").replace("/", "~1").replace(".", "/")
    return [{"pointer": f"/{escaped}", "detail": str(error)}]


def not_found_page(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's 404: a problem under /api/, a page elsewhere."""
    if request.path.startswith("/api/"):
        return problem(404, f"there is nothing at {request.path}")
    return HttpResponse("There is no such page.", status=404, content_type="text/plain")


def error_page(request: HttpRequest) -> HttpResponse:
    """Django's 500: a problem under /api/, a page elsewhere."""
    if request.path.startswith("/api/"):
        return problem(500, "something broke here; the log of the Nexus says what")
    return HttpResponse("Something broke here.", status=500, content_type="text/plain")


def bad_request_page(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's 400, as for a name of the site that nobody allowed."""
    # Not the exception's own words in a page: they repeat what the sender wrote.
    reason = "this request makes no sense here; is its Host in ALLOWED_HOSTS?"
    if request.path.startswith("/api/"):
        return problem(400, reason)
    return HttpResponse(reason, status=400, content_type="text/plain")
