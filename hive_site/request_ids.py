"""Every request has an id: the caller's, or a new one. It is in the answer, and in each line of the
log that is written because of it.
"""

import re
from time import perf_counter
from typing import Any
from uuid import uuid4

import structlog
from structlog.contextvars import bound_contextvars

from hive_site.gate import Message, Receive, Send
from hive_site.kernel import tracing

log = structlog.get_logger()
HEADER = b"x-request-id"
SANE = re.compile(r"[A-Za-z0-9._:=+/@-]{1,128}")


class RequestIds:
    """An ASGI application that names requests for another one."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Let the application answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        given = headers.get(HEADER, b"").decode("latin-1")
        name = given if SANE.fullmatch(given) else uuid4().hex
        with (
            bound_contextvars(request=name),
            tracing.called_by(headers.get(b"traceparent", b"").decode("latin-1")),
        ):
            await self._app(scope, receive, _Named(name, scope, send))


class _Named:
    """`send` of a request that has a name."""

    def __init__(self, name: str, scope: Message, send: Send) -> None:
        self._name, self._scope, self._send = name, scope, send
        self._begun = perf_counter()

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            others = [pair for pair in message.get("headers", ()) if pair[0].lower() != HEADER]
            message = {**message, "headers": [*others, (HEADER, self._name.encode())]}
            log.debug(
                "request.answered",
                method=self._scope["method"],
                path=self._scope["path"],
                status=message["status"],
                seconds=round(perf_counter() - self._begun, 4),
            )
        await self._send(message)
