"""What the client does when it gets no answer, or is told to come back."""

import socket
import time
from types import SimpleNamespace

import pytest

from jobs import client
from jobs.client import Hive, HiveError, Unreachable
from tests.jobs.nexus import DONE, RUNNING, answering


@pytest.fixture
def nexus(monkeypatch):
    monkeypatch.setattr(client, "FIRST_PAUSE_SECONDS", 0.001)
    with answering() as server:
        yield server


@pytest.fixture
def hive(nexus):
    return Hive(nexus.url, "hive_secret", patience=2)


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_whoever_is_told_to_come_back_does(nexus, hive, status):
    nexus.will({"detail": "later"}, status, Retry_After="0")
    nexus.will(DONE)

    assert hive.job("job_1") == DONE


@pytest.mark.parametrize("status", [502, 504])
def test_what_a_proxy_may_have_passed_on_is_sent_again_only_if_that_does_no_harm(
    nexus, hive, status
):
    nexus.will({"detail": "no answer"}, status)
    nexus.will(RUNNING, 202)
    nexus.will({"detail": "no answer"}, status)

    assert hive.submit("demo.echo", [1]) == RUNNING
    with pytest.raises(HiveError, match=f"{status}: no answer"):
        hive.cancel("job_1")
    assert len(nexus.asked) == 3


FOLLOWING = {
    "wait": lambda hive: hive.wait("job_1", 0.2),
    "gather": lambda hive: hive.gather("job_1", timeout=0.2),
    "as_completed": lambda hive: next(hive.as_completed("job_1", 0.2)),
    "jobs as_completed": lambda hive: next(hive.as_completed(["job_1"], 0.2)),
    "stream": lambda hive: next(hive.stream("job_1", timeout=0.2)),
    "map": lambda hive: hive.map("demo.echo", [1], timeout=0.2),
    "map with a bar": lambda hive: hive.map("demo.echo", [1], timeout=0.2, progress=True),
}


@pytest.mark.parametrize("verb", FOLLOWING)
def test_a_timeout_holds_while_the_nexus_is_away(nexus, verb):
    hive = Hive(nexus.url, "hive_secret", patience=600)
    for _ in range(2_000):
        nexus.will({"detail": "later"}, 503)
    begun = time.monotonic()

    with pytest.raises(TimeoutError, match=r"503: later after 0\.2 s"):
        FOLLOWING[verb](hive)
    assert time.monotonic() - begun < 10


@pytest.mark.parametrize("verb", FOLLOWING)
def test_a_timeout_holds_while_the_nexus_says_nothing(verb, monkeypatch):
    monkeypatch.setattr(client, "ANSWER_SECONDS", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        hive = Hive(f"http://127.0.0.1:{silent.getsockname()[1]}", "k", patience=600, known=True)
        begun = time.monotonic()

        with pytest.raises(TimeoutError, match="no answer from http"):
            FOLLOWING[verb](hive)
        assert time.monotonic() - begun < 10


def test_an_address_that_is_known_to_be_right_is_waited_for(nexus, monkeypatch):
    monkeypatch.setattr(client, "FIRST_SECONDS", 0)
    hive = Hive(nexus.url, "hive_secret", known=True)
    nexus.will_break()
    nexus.will(DONE)

    assert hive.job("job_1") == DONE


def test_the_time_that_the_nexus_asks_for_is_kept(nexus, hive, monkeypatch):
    rests = []
    # Not the module itself: other threads sleep by it too.
    clock = SimpleNamespace(sleep=rests.append, monotonic=time.monotonic)
    monkeypatch.setattr(client, "time", clock)
    nexus.will({"detail": "later"}, 503, Retry_After="1")
    nexus.will({"detail": "later"}, 503)
    nexus.will(DONE)

    hive.job("job_1")

    assert rests == [1, 0.002]


def test_what_was_refused_for_good_is_not_asked_again(nexus, hive):
    nexus.will({"detail": "no"}, 500)

    with pytest.raises(HiveError, match="500: no"):
        hive.job("job_1")
    assert len(nexus.asked) == 1


def test_a_lost_answer_to_a_question_is_asked_for_again(nexus, hive):
    nexus.will_break()
    nexus.will(DONE)

    assert hive.job("job_1") == DONE


def test_a_lost_answer_to_a_submission_is_asked_for_with_the_same_key_and_body(nexus, hive):
    nexus.will_break()
    nexus.will(RUNNING, 202)

    hive.submit("demo.echo", [1])

    first, second = (headers["Idempotency-Key"] for headers in nexus.headers)
    assert first == second
    assert nexus.bodies[0] == nexus.bodies[1] == {"task": "demo.echo", "items": [1]}


def test_every_submission_has_a_key_of_its_own(nexus, hive):
    nexus.will(RUNNING, 202)
    nexus.will(RUNNING, 202)

    hive.submit("demo.echo", [1])
    hive.submit("demo.echo", [1])

    assert len({headers["Idempotency-Key"] for headers in nexus.headers}) == 2


def test_what_might_do_harm_twice_is_sent_once(nexus, hive):
    nexus.will_break()

    with pytest.raises(Unreachable, match="no answer from http://"):
        hive.request("POST", "jobs/job_1/retry/")
    assert len(nexus.asked) == 1


def test_a_nexus_that_stays_away_is_given_up_when_the_patience_is_over(nexus):
    hive = Hive(nexus.url, "hive_secret", patience=0.02)
    nexus.will(DONE)
    hive.job("job_1")
    for _ in range(20):
        nexus.will_break()

    with pytest.raises(Unreachable):
        hive.job("job_1")
    assert 2 < len(nexus.asked) < 10


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://nexus.invalid"])
def test_a_wrong_address_is_told_soon(url, monkeypatch):
    monkeypatch.setattr(client, "FIRST_SECONDS", 0.01)

    with pytest.raises(ConnectionError, match=f"no answer from {url}"):
        Hive(url, "k", patience=3600).job("job_1")


def test_the_key_does_not_follow_a_redirect(nexus, hive):
    nexus.will({}, 302, Location="http://evil.example/")

    with pytest.raises(HiveError, match="302"):
        hive.job("job_1")
