"""The gate before Django, spoken to in ASGI."""

import asyncio
import json
from functools import partial

import pytest

from hive_site.gate import LARGE_AT_ONCE, PATIENCE, STRANGERS_BYTES, Gate
from hive_site.patience import Patient

LIMIT = 10


class Visit:
    """One request with a body in `chunks` (None: gone); `seen` is what came through the gate."""

    def __init__(self, *chunks: bytes | None, declared: int | None = None, path="/", query=b""):
        kinds = [(b"transfer-encoding", b"chunked")]
        if declared is not None:
            kinds = [(b"content-length", str(declared).encode())]
        self.scope = {"type": "http", "path": path, "query_string": query, "headers": kinds}
        self.left = list(chunks)
        self.seen, self.length, self.sent = None, None, []
        asyncio.run(Gate(self.app, limit=LIMIT)(self.scope, self.receive, self.send))

    async def receive(self):
        body = self.left.pop(0) if self.left else None
        if body is None:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": body, "more_body": bool(self.left)}

    async def send(self, message):
        self.sent.append(message)

    async def app(self, scope, receive, send):
        self.length = int(dict(scope["headers"])[b"content-length"])
        self.seen = b""
        while (message := await receive())["type"] == "http.request":
            self.seen += message["body"]

    @property
    def problem(self):
        return json.loads(self.sent[1]["body"])["status"]


def test_livez_is_answered_before_anything_else():
    visit = Visit(path="/livez")

    assert (visit.problem, visit.sent[0]["status"], visit.seen) == ("ok", 200, None)


def test_a_body_within_the_limit_comes_through():
    visit = Visit(b"12345", b"67890", declared=10)

    assert (visit.seen, visit.sent) == (b"1234567890", [])


def test_a_body_in_chunks_comes_through_with_its_length():
    visit = Visit(b"123", b"", b"45")

    assert (visit.seen, visit.length) == (b"12345", 5)


@pytest.mark.parametrize("declared", [None, 11])
def test_a_body_over_the_limit_is_read_to_its_end_but_not_kept(declared):
    visit = Visit(b"1234567890", b"1", declared=declared)

    assert (visit.seen, visit.left, visit.problem) == (None, [], 413)


def test_a_body_without_end_is_not_read_to_it():
    visit = Visit(*[b"1234567890"] * (PATIENCE + 5))

    assert (visit.seen, len(visit.left), visit.problem) == (None, 4, 413)


def test_a_body_that_is_declared_enormous_is_not_read_at_all():
    visit = Visit(b"1", declared=PATIENCE * LIMIT + 1)

    assert (visit.seen, visit.left, visit.problem) == (None, [b"1"], 413)


def test_half_a_body_whose_sender_is_gone_does_not_come_through():
    visit = Visit(b"123", None)

    assert visit.seen is None


@pytest.mark.parametrize("address", [{"path": "/jobs/\0/"}, {"query": b"q=%00"}])
def test_an_address_with_a_nul_character_is_refused(address):
    visit = Visit(b"", declared=0, **address)

    assert (visit.seen, visit.problem) == (None, 400)


def test_what_is_no_request_comes_through_untouched():
    seen = []

    async def app(scope, receive, send):
        seen.append((scope, receive, send))

    asyncio.run(Gate(app, limit=LIMIT)({"type": "lifespan"}, 1, 2))

    assert seen == [({"type": "lifespan"}, 1, 2)]


@pytest.mark.parametrize(("path", "length"), [("/large/", 30), ("/large/", None), ("/", 30)])
def test_only_some_addresses_take_more_and_only_of_a_length_that_is_told(path, length):
    chunks = [b"0123456789"] * 3
    kinds = [(b"transfer-encoding", b"chunked")]
    if length:
        kinds = [(b"content-length", str(length).encode())]
    seen, sent = [], []

    async def receive():
        return {"type": "http.request", "body": chunks.pop(0), "more_body": bool(chunks)}

    async def app(scope, receive, send):
        seen.append(scope["path"])

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "path": path, "query_string": b"", "headers": kinds}
    asyncio.run(Gate(app, limit=LIMIT, larger={"/large/": 30})(scope, receive, send))

    assert seen == ([path] if (path, length) == ("/large/", 30) else [])
    assert bool(sent) is not bool(seen)


def test_only_a_few_large_bodies_are_on_their_way_at_once():
    answers, held = [], []

    async def app(scope, receive, send):
        held.append(scope)
        await ended.wait()

    async def send(message):
        answers.append(message.get("status"))

    async def visit():
        await gate({**scope, "headers": [(b"content-length", b"50")]}, None, send)

    async def play():
        nonlocal ended
        ended = asyncio.Event()
        first = [asyncio.ensure_future(visit()) for _ in range(LARGE_AT_ONCE)]
        await asyncio.sleep(0)
        await visit()
        ended.set()
        await asyncio.gather(*first)
        await visit()

    ended = None
    scope = {"type": "http", "path": "/large/", "query_string": b""}
    gate = Gate(app, limit=LIMIT, larger={"/large/": 100})
    asyncio.run(play())

    assert (len(held), answers[0]) == (LARGE_AT_ONCE + 1, 503)


class Stranger:
    """Somebody nobody knows who sends `size` bytes, of a length that is told or not."""

    def __init__(self, size: int, *, is_told: bool, known: bool = False) -> None:
        told, chunked = (b"content-length", str(size).encode()), (b"transfer-encoding", b"chunked")
        headers = [told if is_told else chunked]
        self.scope = {"type": "http", "path": "/", "query_string": b"", "headers": headers}
        self.left, self.known, self.seen, self.sent = size, known, 0, []
        gate = Gate(self.app, limit=4 * STRANGERS_BYTES, is_known=self.is_known)
        asyncio.run(gate(self.scope, self.receive, self.send))

    async def is_known(self, scope):
        return self.known

    async def receive(self):
        size = min(self.left, 64 * 1024)
        self.left -= size
        return {"type": "http.request", "body": b"x" * size, "more_body": self.left > 0}

    async def send(self, message):
        self.sent.append(message)

    async def app(self, scope, receive, send):
        more = True
        while more:
            message = await receive()
            self.seen, more = self.seen + len(message["body"]), message["more_body"]


@pytest.mark.parametrize("is_told", [True, False])
def test_of_a_stranger_no_more_is_kept_than_a_form_may_hold(is_told):
    refused = Stranger(STRANGERS_BYTES + 1, is_told=is_told)

    assert (refused.seen, refused.left, refused.sent[0]["status"]) == (0, 0, 401)
    assert Stranger(STRANGERS_BYTES, is_told=is_told).seen == STRANGERS_BYTES


@pytest.mark.parametrize("is_told", [True, False])
def test_who_is_known_may_send_more(is_told):
    friend = Stranger(STRANGERS_BYTES + 1, is_told=is_told, known=True)

    assert (friend.seen, friend.sent) == (STRANGERS_BYTES + 1, [])


def test_a_body_that_never_comes_is_not_waited_for(monkeypatch):
    monkeypatch.setattr("hive_site.gate.Patient", partial(Patient, seconds=0.01))

    class Silent(Visit):
        async def receive(self):
            await asyncio.Event().wait()

    visit = Silent(declared=5)

    assert (visit.seen, visit.problem) == (b"", 408)
    assert (b"connection", b"close") in visit.sent[0]["headers"]
