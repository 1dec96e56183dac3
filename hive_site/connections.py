"""Connections to the database, for as long as a request asks it something."""

from collections.abc import Callable

from django.db import close_old_connections, connection
from django.http import HttpRequest, HttpResponse


class ConnectionsMiddleware:
    """Gives back what a request asked with, once it is answered.

    Django does so when all of the answer was taken: whoever follows a job, or reads slowly, would
    hold one of the few that a pool has.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._next = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """The answer of the site."""
        answer = self._next(request)
        if not connection.in_atomic_block:  # a test's, around everything
            close_old_connections()
        return answer
