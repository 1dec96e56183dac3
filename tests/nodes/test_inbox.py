import fakeredis
import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from nodes import inbox, wire


@pytest.fixture
def doorbell(broker, monkeypatch):
    client = broker.open()
    monkeypatch.setattr(inbox, "_client", client)
    return client


def test_a_ring_leaves_a_hint(doorbell):
    assert inbox.ring("job", "job_1")
    assert inbox.ring("queue")

    hints = [fields for _, fields in doorbell.xrange(wire.INBOX)]
    assert hints == [
        {b"what": b"job", b"subject": b"job_1"},
        {b"what": b"queue", b"subject": b""},
    ]


def test_one_ring_may_be_about_many(doorbell):
    assert inbox.ring("job", "job_1", "job_2")

    subjects = [fields[b"subject"] for _, fields in doorbell.xrange(wire.INBOX)]
    assert subjects == [b"job_1", b"job_2"]


def test_hints_that_nobody_reads_do_not_pile_up(doorbell, monkeypatch):
    monkeypatch.setattr(inbox, "KEPT", 10)

    for _ in range(300):
        inbox.ring("job")

    assert 10 <= doorbell.xlen(wire.INBOX) < 300


def test_without_redis_the_caller_goes_on(monkeypatch):
    monkeypatch.setattr(inbox, "_client", None)

    assert inbox.ring("job", "job_1") is False


def test_a_process_has_one_client(monkeypatch):
    monkeypatch.setattr(inbox, "_client", None)

    assert inbox.shared_client() is inbox.shared_client()


def ask_all(monkeypatch, answers: list, moments: list[float]) -> list:
    """What comes of a question at each of these moments, and in the end how many were asked."""
    monkeypatch.setattr(inbox, "_hurried", fakeredis.FakeRedis())
    monkeypatch.setattr(inbox, "_hung_until", 0.0)

    def question(client):
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    said = []
    for moment in moments:
        monkeypatch.setattr(inbox.time, "monotonic", lambda at=moment: at)
        try:
            said.append(inbox.ask(question))
        except RedisTimeoutError:
            said.append("hung")
    return said


def test_a_redis_that_hangs_keeps_one_question_waiting_and_not_the_next(monkeypatch):
    said = ask_all(monkeypatch, [RedisTimeoutError(), "here"], [100.0, 101.0, 104.9, 105.0])

    assert said == ["hung", "hung", "hung", "here"]


def test_a_connection_that_was_cut_is_replaced_at_once(monkeypatch):
    assert ask_all(monkeypatch, [RedisConnectionError(), "here"], [100.0]) == ["here"]
