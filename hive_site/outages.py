"""Pages while the database is away. REST says it in its own way."""

from collections.abc import Callable

import structlog
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse

log = structlog.get_logger()
RETRY_AFTER_SECONDS = 5


class OutageMiddleware:
    """Answers 503 instead of 500 for what passes."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._next = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """The answer of the site."""
        return self._next(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """A line with the way out, if the database is away; None for everything else."""
        if not isinstance(error, (OperationalError, InterfaceError)):
            return None
        log.warning("page.unavailable", path=request.path, error=str(error))
        return HttpResponse(
            f"The database is away. Try again in {RETRY_AFTER_SECONDS} seconds.",
            status=503,
            content_type="text/plain",
            headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
        )
