"""A slot and a Nexus over HTTP: what is fetched is whole, what cannot be left is not lost."""

import hashlib
import json
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from hive_site.kernel.signed_requests import read_authorization
from jobs.domain.references import Large, Reference, join
from jobs.spore import payloads as module
from jobs.spore.payloads import PayloadLost, PayloadOptions, Payloads, Unfed
from tests.jobs.spore.cast import ME

TEXT = json.dumps("x" * 100)


def reference_to(text):
    data = text.encode()
    return str(Reference(hashlib.sha256(data).hexdigest(), len(data)))


class Nexus:
    """It keeps what nodes leave, and answers with the statuses that it is told first."""

    def __init__(self):
        self.kept, self.statuses, self.asked = {}, [], []


@contextmanager
def serving(nexus):
    class Desk(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self):
            data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            _, _, signed = self.headers["Authorization"].partition(" ")
            node = read_authorization(
                signed,
                key_of=lambda _: ME.key,
                method=self.command,
                path=self.path,
                now=time.time(),
            )
            nexus.asked.append((self.command, node))
            name = self.path.split("/")[4]
            body, status = b"", 204
            if self.command == "PUT":
                nexus.kept[name] = data
            else:
                body, status = nexus.kept.get(name, b""), 200 if name in nexus.kept else 404
            status = nexus.statuses.pop(0) if nexus.statuses else status
            self.send_response(status)
            if status != 204:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_PUT = _answer

        def log_message(self, *_):
            """In silence."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Desk)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def nexus():
    return Nexus()


@pytest.fixture
def slot(nexus, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "REST_SECONDS", 0.01)
    with serving(nexus) as url:
        payload_options = PayloadOptions(url, tmp_path / "blobs", 10_000, inline_bytes=50)
        yield Payloads(payload_options, ME, time.time)


def test_what_was_left_is_fetched_once_by_a_node(slot, nexus):
    text = slot.leave(TEXT)

    assert text == reference_to(TEXT)
    assert slot.open(Large(text)) == slot.open(Large(text)) == json.loads(TEXT)
    assert nexus.asked == [("PUT", ME.name), ("GET", ME.name)]


def test_what_is_small_is_no_business_of_the_nexus(slot, nexus):
    assert slot.open({"@": "@"}) == {"@": "@"}
    assert not slot.is_large("1")
    assert slot.is_large(TEXT)
    assert nexus.asked == []


def test_a_list_with_large_values_in_it_is_put_together(slot):
    text = join(["1", slot.leave(TEXT), "[2]"])

    assert slot.open(Large(text)) == [1, json.loads(TEXT), [2]]


def test_a_nexus_that_stumbles_is_asked_again(slot, nexus):
    text = slot.leave(TEXT)
    nexus.statuses = [503, 500]

    assert slot.open(Large(text)) == json.loads(TEXT)


def test_other_bytes_than_were_asked_are_never_used(slot, nexus, monkeypatch):
    monkeypatch.setattr(module, "PATIENCE_SECONDS", 0.1)
    text = slot.leave(TEXT)
    nexus.kept = {name: data + b" " for name, data in nexus.kept.items()}

    with pytest.raises(Unfed, match="other bytes"):
        slot.open(Large(text))


def test_a_value_that_the_nexus_does_not_have_is_lost_at_once(slot, nexus):
    with pytest.raises(PayloadLost):
        slot.open(Large(reference_to("2")))
    assert len(nexus.asked) == 1


def test_a_result_that_the_nexus_does_not_take_stays_a_text(slot, nexus):
    nexus.statuses = [503]

    assert slot.leave(TEXT) == TEXT
    assert slot.leave(TEXT) == TEXT
    assert len(nexus.asked) == 1  # it is left alone for a while


def test_without_a_nexus_nothing_is_left_and_nothing_can_be_fetched(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "PATIENCE_SECONDS", 0.0)
    slot = Payloads(PayloadOptions(), ME, time.time)

    assert slot.leave(TEXT) == TEXT
    with pytest.raises(Unfed, match="HIVE_NEXUS_URL"):
        slot.open(Large(reference_to(TEXT)))
