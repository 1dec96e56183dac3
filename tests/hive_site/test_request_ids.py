"""Requests have names: in answers, and in the log."""

import asyncio

import pytest
import structlog

from hive_site.kernel import tracing
from hive_site.request_ids import RequestIds


def ask(*headers: tuple[bytes, bytes], answer=()):
    """What was sent, and the names that the application saw."""
    seen: list[object] = []
    sent: list[dict[str, object]] = []

    async def app(scope, receive, send):
        seen.append(structlog.contextvars.get_contextvars().get("request"))
        await send({"type": "http.response.start", "status": 200, "headers": list(answer)})
        await send({"type": "http.response.body", "body": b""})

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": "/", "headers": list(headers)}
    asyncio.run(RequestIds(app)(scope, None, send))
    return dict(sent[0]["headers"]).get(b"x-request-id", b"").decode(), seen[0]


def test_the_callers_name_is_kept():
    told, seen = ask((b"x-request-id", b"ann-7/3"))

    assert told == seen == "ann-7/3"


@pytest.mark.parametrize("given", [b"", b"a b", b"a\nb", b"x" * 129, b"\xff", b'"'])
def test_a_name_that_is_none_is_replaced(given):
    told, seen = ask((b"x-request-id", given))

    assert told == seen
    assert told.isalnum()
    assert len(told) == 32


def test_each_has_its_own_and_nobody_keeps_it():
    assert ask()[0] != ask()[0]
    assert "request" not in structlog.contextvars.get_contextvars()


def test_an_answer_has_one_name():
    told, seen = ask((b"x-request-id", b"mine"), answer=[(b"X-Request-ID", b"other"), (b"a", b"b")])

    assert told == seen == "mine"


def test_what_is_no_request_passes():
    passed = []

    async def app(scope, receive, send):
        passed.append(scope["type"])

    asyncio.run(RequestIds(app)({"type": "websocket"}, None, None))

    assert passed == ["websocket"]


def test_the_callers_trace_goes_on():
    class Seen:
        traceparent = ""

        def end(self, **facts):
            pass

    class Tracer:
        def begin(self, name, *, parent, at, facts):
            parents.append(parent)
            return Seen()

        def close(self):
            pass

    parents: list[str] = []
    caller = f"00-{'a' * 32}-{'b' * 16}-01"

    async def app(scope, receive, send):
        tracing.begin_trace("job.submit")

    tracing.arm(Tracer)
    try:
        for header in (caller.encode(), b"00-zz-1-01"):
            scope = {"type": "http", "method": "GET", "path": "/"}
            asyncio.run(
                RequestIds(app)({**scope, "headers": [(b"traceparent", header)]}, None, None)
            )
    finally:
        tracing.arm(None)

    assert parents == [caller, ""]
