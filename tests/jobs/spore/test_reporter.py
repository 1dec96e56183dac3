"""What a slot says of its work, when it says it, and what it must never say."""

import json
import os
import time
from dataclasses import replace

import pytest

from hive_site.kernel.envelope import unseal
from hive_site.kernel.redis import Direct
from jobs.spore import reporter as module
from jobs.spore.log_reader import LogReader
from jobs.spore.reporter import Reporter
from jobs.wire import FLUSH_BYTES, Bundle
from nodes import wire
from nodes.spore.board import Board
from nodes.spore.line import send_report
from nodes.spore.spool import Spool
from tests.hive_site.kernel.spans import PARENT, recorded
from tests.jobs.spore.cast import ME, NODE, RestlessServer, connect_to, until

BUNDLE = Bundle(
    id="spore-1-64",
    job="job_1",
    stop_token="job_1.1",
    task="t.task",
    total=3,
    timeout=60,
    first=100,
    kwargs={},
    items=[(1000 + n, n, 1, None) for n in range(3)],
    gpus=(),
    expires=4e9,
    idempotent=True,
)


@pytest.fixture
def server():
    return RestlessServer()


@pytest.fixture
def redis(server):
    """Redis, where a slot has just popped the bundle."""
    client = connect_to(server)
    client.rpush(wire.intermediate_key(NODE), "another", BUNDLE.id)
    client.hset(wire.bundle_key(BUNDLE.id), "data", "x")
    return client


@pytest.fixture
def spool(tmp_path):
    return Spool(tmp_path / "spool")


@pytest.fixture
def printed():
    """What tasks print."""
    return Board(1)[0].output


@pytest.fixture
def reporter(server, redis, spool, printed):
    reporter = Reporter(connect_to(server), ME, spool, LogReader(printed))
    reporter.begin(BUNDLE)
    return reporter


def told(redis):
    entries = redis.xrange(wire.report_key(NODE))
    return [
        unseal(wire.whole("e", fields), key=ME.key, purpose=wire.PURPOSE_REPORT)
        for _, fields in entries
    ]


def succeeded(redis):
    return [row[0] for body in told(redis) for row in body["ok"]]


def test_at_the_end_of_a_bundle_everything_is_told_and_the_bundle_is_done(reporter, redis):
    reporter.succeeded(100, 1.0, 2.0, '"honey"')
    reporter.happened({"k": "fail", "a": 101})

    reporter.end()

    bodies = told(redis)
    assert {body["bundle"] for body in bodies} == {BUNDLE.id}
    assert [row for body in bodies for row in body["ok"]] == [[100, 1.0, 2.0, '"honey"']]
    assert [event for body in bodies for event in body["events"]] == [{"k": "fail", "a": 101}]
    assert redis.lrange(wire.intermediate_key(NODE), 0, -1) == [b"another"]
    assert not redis.exists(wire.bundle_key(BUNDLE.id))


def test_a_bundle_of_which_nothing_is_left_to_say_is_told_to_be_done(reporter, redis):
    reporter.end()

    assert [(body["ok"], body["events"]) for body in told(redis)] == [([], [])]
    assert redis.lrange(wire.intermediate_key(NODE), 0, -1) == [b"another"]


def test_what_happened_is_told_while_the_bundle_runs_and_the_bundle_is_not_done(reporter, redis):
    reporter.succeeded(100, 1.0, 2.0, "1")

    until(lambda: told(redis), what="the first report")

    assert succeeded(redis) == [100]
    assert redis.exists(wire.bundle_key(BUNDLE.id))


def test_large_results_are_told_at_once(reporter, redis, monkeypatch):
    monkeypatch.setattr(module, "FLUSH_SECONDS", 3600)
    reporter.end()
    reporter.begin(BUNDLE)
    half = json.dumps("x" * (FLUSH_BYTES // 2))

    reporter.succeeded(100, 1.0, 2.0, half)
    before = succeeded(redis)
    reporter.succeeded(101, 1.0, 2.0, half)

    assert (before, succeeded(redis)) == ([], [100, 101])


def test_large_submissions_are_told_at_once(reporter, redis, monkeypatch):
    monkeypatch.setattr(module, "FLUSH_SECONDS", 3600)
    reporter.end()
    reporter.begin(BUNDLE)
    event = {"k": "submit", "wish": "x" * FLUSH_BYTES}

    reporter.happened(event, FLUSH_BYTES)

    assert event in [said for body in told(redis) for said in body["events"]]


def test_nothing_is_told_twice_while_redis_is_there(reporter, redis):
    for attempt in (100, 101, 102):
        reporter.succeeded(attempt, 1.0, 2.0, "1")
        until(lambda attempt=attempt: attempt in succeeded(redis), what=f"attempt {attempt}")

    reporter.end()

    assert succeeded(redis) == [100, 101, 102]


def test_what_cannot_be_told_waits_on_disk_with_what_it_ends(reporter, redis, server, spool):
    reporter.succeeded(100, 1.0, 1.1, "1")
    server.absent = 1

    reporter.end()

    [kept] = spool
    body = unseal(kept.envelope, key=ME.key, purpose=wire.PURPOSE_REPORT)
    assert ([row[0] for row in body["ok"]], kept.done) == ([100], BUNDLE.id)
    assert told(redis) == []


def test_what_neither_redis_nor_the_disk_takes_is_told_later(
    reporter, redis, server, spool, monkeypatch
):
    def full(envelope: bytes, *, done: str | None) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(module, "AWAY_SECONDS", 0.0)
    monkeypatch.setattr(spool, "put", full)
    reporter.succeeded(100, 1.0, 1.1, "1")
    server.absent = 30

    reporter.end()

    assert server.absent == 0
    assert succeeded(redis) == [100]


def test_items_are_ours_to_start_one_after_the_other(reporter):
    assert [reporter.take(position) for position in range(3)] == [True] * 3


def test_what_lies_behind_a_long_item_is_handed_back_and_never_started(
    reporter, redis, monkeypatch
):
    monkeypatch.setattr(module, "LONG_SECONDS", 0.0)
    assert reporter.take(0)

    until(lambda: told(redis), what="the hand-back")

    assert told(redis)[0]["events"] == [{"k": "back", "attempts": [101, 102]}]
    assert reporter.take(1) is False
    assert reporter.take(2) is False


def test_what_lies_behind_a_short_item_stays(reporter, redis):
    reporter.take(0)
    reporter.succeeded(100, 1.0, 1.1, "1")
    until(lambda: told(redis), what="a report")

    assert reporter.take(1) is True
    reporter.end()
    assert [event for body in told(redis) for event in body["events"]] == []


class Clock:
    """Time as a test tells it; only rests are real."""

    now = 0.0
    sleep = staticmethod(time.sleep)

    def monotonic(self):
        return self.now


def test_short_items_that_take_long_together_stay(server, redis, spool, printed, monkeypatch):
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    reporter = Reporter(connect_to(server), ME, spool, LogReader(printed))
    reporter.begin(BUNDLE)
    for position in range(2):
        clock.now += 0.6 * module.LONG_SECONDS
        reporter.take(position)
    clock.now += 0.6 * module.LONG_SECONDS

    reporter.succeeded(100, 1.0, 1.1, "1")
    until(lambda: told(redis), what="a report")

    assert told(redis)[0]["events"] == []


def test_the_last_item_may_be_as_long_as_it_likes(reporter, redis, monkeypatch):
    monkeypatch.setattr(module, "LONG_SECONDS", 0.0)
    reporter.take(2)
    reporter.succeeded(101, 1.0, 1.1, "1")
    until(lambda: told(redis), what="a report")

    reporter.end()

    assert [event for body in told(redis) for event in body["events"]] == []


def test_a_report_is_sealed_with_the_nodes_own_key(reporter, redis):
    reporter.end()

    [(_, fields)] = redis.xrange(wire.report_key(NODE))
    assert fields[b"e"].startswith(b"v1.")
    assert told(redis)[0]["incarnation"] == ME.incarnation


def said(redis):
    """The events of what attempts said, in the order in which they were told."""
    return [e for body in told(redis) for e in body["events"] if e["k"] in ("log", "part")]


def test_what_a_task_prints_is_told_while_it_runs(reporter, redis, printed):
    reporter.take(0)
    printed.write("hello\n")

    until(lambda: said(redis), what="the first piece")

    assert said(redis) == [{"k": "log", "a": 100, "n": 1, "text": "hello\n"}]


def test_who_says_nothing_is_not_told_of(reporter, redis, printed):
    reporter.take(0)
    printed.write("hello\n")
    until(lambda: said(redis), what="the first piece")
    entries = redis.xlen(wire.report_key(NODE))

    time.sleep(3 * module.FLUSH_SECONDS)  # there is nothing to wait for

    assert redis.xlen(wire.report_key(NODE)) == entries


def test_what_each_attempt_printed_is_told_with_its_end(reporter, redis, printed, monkeypatch):
    monkeypatch.setattr(module, "FLUSH_SECONDS", 3600)
    reporter.end()
    reporter.begin(BUNDLE)
    reporter.take(0)
    printed.write("one")
    reporter.succeeded(100, 1.0, 2.0, "1")
    reporter.take(1)
    printed.write("two")
    reporter.failed({"k": "fail", "a": 101})

    reporter.end()

    assert [(event["a"], event["text"]) for event in said(redis)] == [(100, "one"), (101, "two")]


def test_many_partial_results_are_told_before_there_are_too_many(reporter, redis, monkeypatch):
    monkeypatch.setattr(module, "FLUSH_SECONDS", 3600)
    reporter.end()
    reporter.begin(BUNDLE)
    half = "x" * (FLUSH_BYTES // 2)

    reporter.happened({"k": "part", "a": 100, "n": 1, "value": half}, len(half))
    before = len(said(redis))
    reporter.happened({"k": "part", "a": 100, "n": 2, "value": half}, len(half))

    assert (before, len(said(redis))) == (0, 2)


def test_what_waits_on_disk_is_not_overtaken(reporter, redis, server, spool):
    server.absent = 1
    reporter.happened({"k": "part", "a": 100, "n": 1, "value": "1"})
    until(lambda: list(spool), what="a report on disk")
    reporter.happened({"k": "part", "a": 100, "n": 2, "value": "2"})
    until(lambda: len(list(spool)) == 2, what="the next one behind it")
    assert said(redis) == []

    for spooled in spool:
        send_report(Direct(redis), NODE, spooled.envelope, done=spooled.done)
        spool.drop(spooled)
    reporter.happened({"k": "part", "a": 100, "n": 3, "value": "3"})
    until(lambda: len(said(redis)) == 3, what="all of them")

    assert [event["n"] for event in said(redis)] == [1, 2, 3]


def test_what_is_left_behind_fills_no_memory_while_nothing_runs(reporter, printed):
    reporter.take(0)
    printed.write("of the attempt")
    reporter.succeeded(100, 1.0, 2.0, "1")

    reporter.end()
    at_its_end = os.fstat(printed.file).st_size
    printed.write("left behind")

    assert at_its_end == 0
    until(lambda: not os.fstat(printed.file).st_size, what="an empty file")


def test_the_log_says_what_the_slot_is_at(reporter):
    before = reporter.subject()
    reporter.take(1)
    during = reporter.subject()
    reporter.end()

    assert before == {"node": NODE, "job": "job_1", "bundle": "spore-1-64"}
    assert during == {**before, "subtask": 1001, "index": 1, "attempt": 1}
    assert reporter.subject() == {"node": NODE}


def test_reports_of_a_traced_bundle_name_its_span(reporter, redis):
    with recorded() as spans:
        reporter.end()
        reporter.begin(replace(BUNDLE, traceparent=PARENT))
        reporter.take(0)
        reporter.succeeded(100, 1.0, 2.0, "null")
        reporter.end()

    plain, traced = told(redis)
    slow, whole = spans
    assert "traceparent" not in plain
    assert traced["traceparent"] == whole.traceparent
    assert (whole.name, slow.facts["node"]) == ("bundle.run", NODE)
