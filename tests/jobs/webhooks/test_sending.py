import json
import socket
import time

import pytest

from jobs.web import addresses, connecting
from jobs.web.connecting import Limits
from jobs.webhooks.sending import Parcel, send
from tests.jobs.webhooks.receiver import SECRET

BODY = json.dumps({"type": "job.succeeded", "data": {"id": "job_1", "text": "ä"}})


def parcel(url, **changes):
    return Parcel(**{"id": "msg_1", "url": url, "host": "h", "body": BODY, "tries": 1, **changes})


def post(url, *, allow_private=True, **options):
    return send(parcel(url), secret=SECRET, allow_private=allow_private, **options)


def test_a_receiver_can_verify_what_it_gets(receiver):
    receipt = post(f"{receiver.url}?a=b")

    [(path, headers, _)] = receiver.requests
    assert (receipt.status, receipt.error) == (204, "")
    assert receiver.verify() == [json.loads(BODY)]
    assert (path, headers["webhook-id"]) == ("/hook?a=b", "msg_1")
    assert headers["content-type"] == "application/json"
    assert headers["host"] == f"127.0.0.1:{receiver.port}"
    assert abs(int(headers["webhook-timestamp"]) - time.time()) < 60


@pytest.mark.parametrize("status", [200, 404, 410, 500])
def test_the_answer_is_told(receiver, status):
    receiver.answers = [status]

    assert post(receiver.url).status == status


def test_how_long_the_receiver_wants_to_be_left_alone_is_told(receiver):
    receiver.answers = [(429, {"Retry-After": "17"})]

    assert post(receiver.url).retry_after == 17


def test_redirects_are_not_followed(receiver):
    receiver.answers = [(302, {"Location": receiver.url})]

    receipt = post(receiver.url)

    assert (receipt.status, len(receiver.requests)) == (302, 1)
    assert "redirects are not followed" in receipt.error


def test_a_long_answer_is_not_read(receiver):
    receiver.body = b"x" * 50_000_000

    begun = time.monotonic()

    assert post(receiver.url).status == 204
    assert time.monotonic() - begun < 5


def test_a_private_address_is_refused_at_every_send(receiver):
    receipt = post(receiver.url, allow_private=False)

    assert (receipt.refused, receipt.status, receiver.requests) == (True, None, [])
    assert "not public" in receipt.error


def test_a_public_name_at_a_private_address_is_refused(receiver, monkeypatch):
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", receiver.port))]
    monkeypatch.setattr(addresses.socket, "getaddrinfo", lambda *args, **kwargs: found)

    receipt = post(f"http://example.org:{receiver.port}/", allow_private=False)

    assert (receipt.refused, receiver.requests) == (True, [])


def test_a_receiver_that_hangs_is_left_in_time(receiver):
    receiver.hold.clear()

    receipt = post(receiver.url, limits=Limits(connect_seconds=1, total_seconds=0.2))

    assert (receipt.status, receipt.refused) == (None, False)
    assert "took too long" in receipt.error


def test_a_receiver_that_hangs_is_left_by_the_socket_where_the_timer_sleeps_in(
    receiver, monkeypatch
):
    receiver.hold.clear()
    monkeypatch.setattr(connecting.threading.Timer, "run", lambda timer: None)

    receipt = post(receiver.url, limits=Limits(connect_seconds=1, total_seconds=0.2))

    assert "took too long" in receipt.error


def test_nobody_there_is_told_and_may_pass(receiver):
    receiver.close()

    receipt = post(receiver.url)

    assert (receipt.status, receipt.refused) == (None, False)
    assert receipt.error


def test_nothing_is_sent_after_its_time(receiver, monkeypatch):
    plain = addresses.socket.getaddrinfo

    def slow(*args, **kwargs):
        time.sleep(0.05)
        return plain(*args, **kwargs)

    monkeypatch.setattr(addresses.socket, "getaddrinfo", slow)

    receipt = post(receiver.url, limits=Limits(connect_seconds=1, total_seconds=0.01))

    assert (receipt.status, receiver.requests) == (None, [])
