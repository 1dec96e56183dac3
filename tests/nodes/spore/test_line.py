import json
import math
import os
import time
from dataclasses import replace
from types import SimpleNamespace

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from hive_site.kernel.envelope import seal, unseal
from nodes import wire
from nodes.domain.beats import read_beat
from nodes.spore import ear
from nodes.spore import line as module
from nodes.spore.identity import Identity
from nodes.spore.line import BEAT_TTL_SECONDS, Line
from nodes.spore.spool import Spool
from tests.nodes.cast import SAID, wait_until

KEY = b"the key of spore-1"
ME = Identity("spore-1", KEY, "one", 2, "1.0")


@pytest.fixture
def line(broker, monkeypatch):
    monkeypatch.setattr(module, "connect", broker.connect)
    if not broker.real:  # nothing comes to the fake while it waits, and it has no socket
        rest = SimpleNamespace(select=lambda readers, *_: (readers[1:], [], []))
        monkeypatch.setattr(ear, "select", rest)
    line = Line(broker.url, ME)
    yield line
    line.close()


def leave_orders(client, body, *, key: bytes = KEY, purpose: str = wire.PURPOSE_ORDER) -> None:
    client.set(wire.orders_key("spore-1"), seal(json.dumps(body), key=key, purpose=purpose))


def opened(envelope: bytes, purpose: str) -> dict:
    return unseal(envelope, key=KEY, purpose=purpose)


def test_a_heartbeat_is_sealed_stamped_by_redis_and_replaces_the_last(line, redis_client):
    line.beat({**SAID, "cpu": 0.1}, set())
    answer = line.beat({**SAID, "cpu": 0.9}, set())

    ((entry, fields),) = redis_client.xrange(wire.beat_key("spore-1"))
    body = opened(fields[b"e"], wire.PURPOSE_BEAT)
    assert (body["v"], body["incarnation"]) == (wire.PROTOCOL, "one")
    assert read_beat(body).cpu == 0.9
    assert entry.decode().partition("-")[0] == str(answer.clock_ms)
    assert abs(redis_client.time()[0] * 1000 - answer.clock_ms) < 60_000


def test_a_heartbeat_enrols_the_node_and_does_not_outlive_it_by_more_than_a_day(line, redis_client):
    line.beat(SAID, set())

    assert redis_client.smembers(wire.NODES) == {b"spore-1"}
    assert 0 < redis_client.ttl(wire.beat_key("spore-1")) <= BEAT_TTL_SECONDS


def test_orders_come_back_with_the_heartbeat(line, redis_client):
    before = line.beat(SAID, set()).orders
    leave_orders(redis_client, {"v": wire.PROTOCOL, "slots": 7, "over": None})

    assert before == {}
    assert line.beat(SAID, set()).orders == {"v": wire.PROTOCOL, "slots": 7, "over": None}


@pytest.mark.parametrize(
    "forgery",
    [
        {"key": b"the key of another"},
        {"purpose": wire.PURPOSE_BUNDLE},
        {"body": {"v": wire.PROTOCOL + 1, "slots": 7}},
        {"body": ["slots", 7]},
        {"body": None},
    ],
    ids=["key", "purpose", "protocol", "list", "null"],
)
def test_orders_that_the_nexus_did_not_give_are_not_followed(line, redis_client, forgery):
    leave_orders(redis_client, **{"body": {"v": wire.PROTOCOL, "slots": 7}, **forgery})

    assert line.beat(SAID, set()).orders == {}


def test_noise_in_the_place_of_orders_does_no_harm(line, redis_client):
    redis_client.set(wire.orders_key("spore-1"), b"\xff\x00")

    assert line.beat(SAID, set()).orders == {}


def test_a_heartbeat_tells_which_of_the_running_work_to_stop(line, redis_client):
    redis_client.set(wire.cancel_key("job_2.1"), 1)
    redis_client.set(wire.cancel_key("job_9.1"), 1)

    answer = line.beat(SAID, {"job_1.1", "job_2.1", "job_3.1"})

    assert answer.cancelled == {"job_2.1"}
    assert line.beat(SAID, set()).cancelled == frozenset()


def test_an_arrival_is_announced_to_the_foreman(line, redis_client):
    line.announce()

    ((_, fields),) = redis_client.xrange(wire.INBOX)
    assert fields == {b"what": b"joined", b"subject": b"spore-1"}


def test_a_report_is_sealed_and_lies_in_the_nodes_own_stream(line, redis_client):
    line.report({"bundle": "b1", "events": [{"k": "died"}]})

    ((_, fields),) = redis_client.xrange(wire.report_key("spore-1"))
    assert opened(fields[b"e"], wire.PURPOSE_REPORT) == {
        "v": wire.PROTOCOL,
        "incarnation": "one",
        "bundle": "b1",
        "events": [{"k": "died"}],
    }


def test_a_name_is_taken_while_its_agent_listens(line, broker):
    before = line.is_taken()
    line.listen(0.001)
    wait_until(line.is_taken)
    line.close()

    other = Line(broker.url, ME)
    wait_until(lambda: not other.is_taken())
    other.close()
    assert before is False


def test_a_wake_up_ends_the_wait(line, redis_client):
    assert line.listen(0.001) is False
    wait_until(line.is_taken)
    redis_client.publish(wire.control_channel("spore-1"), "look")

    assert line.listen(20) is True
    assert line.listen(0.001) is False


def test_whatever_else_may_wake_an_agent_ends_the_wait_too(line):
    line.listen(0.001)
    reader, writer = os.pipe()
    os.write(writer, b"!")
    begun = time.monotonic()

    woken = line.listen(20, [reader])

    assert (woken, time.monotonic() - begun < 10) == (False, True)
    for end in (reader, writer):
        os.close(end)


def test_a_wake_up_counts_whatever_else_happens(line, redis_client):
    wait_until(lambda: line.listen(0.001) or line.is_taken())
    reader, writer = os.pipe()
    os.write(writer, b"!")
    redis_client.publish(wire.control_channel("spore-1"), "look")

    wait_until(lambda: line.listen(20, [reader]))

    for end in (reader, writer):
        os.close(end)


def test_its_connections_bear_its_name_and_incarnation(line, redis_client):
    line.beat(SAID, set())
    line.listen(0.001)

    names = [row["name"] for row in redis_client.client_list()]
    assert names.count(wire.client_name("spore-1", "one")) == 2


def test_what_was_popped_and_is_in_no_slot_is_swept_up(line, redis_client):
    redis_client.rpush(wire.intermediate_key("spore-1"), "b1", "b2", "b3")

    assert line.sweep({"b2", "b9"}) == {"b1", "b3"}


def test_what_is_no_name_of_a_bundle_is_thrown_out(line, redis_client):
    redis_client.rpush(wire.intermediate_key("spore-1"), "b1", b"\xff", b"\xff")

    assert line.sweep(set()) == {"b1"}
    assert redis_client.lrange(wire.intermediate_key("spore-1"), 0, -1) == [b"b1"]


def test_a_discarded_bundle_leaves_nothing_behind(line, redis_client):
    redis_client.rpush(wire.intermediate_key("spore-1"), "b1", "b2")
    redis_client.hset(wire.bundle_key("b1"), "data", "x")
    redis_client.hset(wire.bundle_key("b2"), "data", "x")

    line.discard("b1")
    line.discard("b1")

    assert redis_client.lrange(wire.intermediate_key("spore-1"), 0, -1) == [b"b2"]
    assert redis_client.exists(wire.bundle_key("b1"), wire.bundle_key("b2")) == 1


def test_a_closed_line_leaves_no_connection(line, redis_client):
    line.beat(SAID, set())
    line.listen(0.001)

    line.close()

    name = wire.client_name("spore-1", "one")
    wait_until(lambda: name not in {row["name"] for row in redis_client.client_list()})


def test_without_redis_every_call_says_so_at_once():
    line = Line("redis://127.0.0.1:1/0", ME)

    for call in (
        lambda: line.beat(SAID, set()),
        lambda: line.report({}),
        lambda: line.listen(20),
        lambda: line.sweep(set()),
        line.is_taken,
    ):
        with pytest.raises(RedisConnectionError):
            call()


CALL = {
    **{"v": wire.PROTOCOL, "id": "bc_1", "node": "spore-1", "incarnation": "one"},
    **{"command": "PING", "data": {}, "expires": 4e9},
}


def call_out(client, body, *, key: bytes = KEY, purpose: str = wire.PURPOSE_COMMAND) -> None:
    client.rpush(wire.commands_key("spore-1"), seal(json.dumps(body), key=key, purpose=purpose))


def test_what_is_called_out_comes_with_the_heartbeat_once(line, redis_client):
    call_out(redis_client, CALL)
    call_out(redis_client, {**CALL, "id": "bc_2"})

    assert [call.id for call in line.beat(SAID, set()).calls] == ["bc_1", "bc_2"]
    assert line.beat(SAID, set()).calls == ()


@pytest.mark.parametrize(
    "forgery",
    [
        {"key": b"the key of another"},
        {"purpose": wire.PURPOSE_ORDER},
        {"body": {**CALL, "v": wire.PROTOCOL + 1}},
        {"body": {**CALL, "node": "spore-2"}},
        {"body": {**CALL, "command": "EXPLODE"}},
        {"body": [CALL]},
    ],
    ids=["key", "purpose", "protocol", "node", "command", "list"],
)
def test_calls_that_the_nexus_did_not_sign_for_this_node_are_not_heard(line, redis_client, forgery):
    call_out(redis_client, **{"body": CALL, **forgery})
    call_out(redis_client, {**CALL, "id": "bc_2"})

    assert [call.id for call in line.beat(SAID, set()).calls] == ["bc_2"]


def test_a_call_to_all_nodes_wakes_this_one(line, redis_client):
    wait_until(lambda: line.listen(0.01) or redis_client.pubsub_numsub(wire.BROADCAST)[0][1])
    redis_client.publish(wire.BROADCAST, "bc_1")

    wait_until(lambda: line.listen(0.01))


def test_an_answer_is_sealed_and_goes_within_the_hour(line, redis_client):
    line.answer("bc_1", ok=True, data={"n": 1})

    stream = wire.answers_key("bc_1")
    ((_, fields),) = redis_client.xrange(stream)
    body = opened(fields[b"e"], wire.PURPOSE_ANSWER)
    assert (fields[b"n"], body["id"], body["ok"], body["data"]) == (
        b"spore-1",
        "bc_1",
        True,
        {"n": 1},
    )
    assert 0 < redis_client.ttl(stream) <= 3600


def test_a_retired_agent_sees_what_is_cancelled_and_how_long_nobody_beat(line, redis_client):
    alone = line.look(set())
    line.beat(SAID, set())
    redis_client.set(wire.cancel_key("job_1.1"), "1")

    seen = line.look({"job_1.1", "job_2.1"})

    assert alone.silence_seconds == math.inf
    assert 0 <= seen.silence_seconds < 60
    assert (seen.cancelled, seen.is_over) == ({"job_1.1"}, False)
    assert abs(redis_client.time()[0] * 1000 - seen.clock_ms) < 60_000
    assert redis_client.xlen(wire.beat_key("spore-1")) == 1


def test_a_retired_agent_sees_that_its_incarnation_is_over(line, redis_client, broker):
    line.beat(SAID, set())
    leave_orders(redis_client, {"v": wire.PROTOCOL, "slots": None, "over": "one"})
    ordered = line.look(set()).is_over
    redis_client.delete(wire.orders_key("spore-1"))
    before = line.look(set()).is_over
    other = Line(broker.url, replace(ME, incarnation="two"))
    other.beat(SAID, set())

    assert (ordered, before, line.look(set()).is_over) == (True, False, True)
    other.close()


def test_a_hushed_line_leaves_the_name_and_still_reports(line, redis_client):
    line.listen(0.01)
    wait_until(line.is_taken)

    line.hush()

    wait_until(lambda: not line.is_taken())
    line.report({"events": []})
    assert redis_client.xlen(wire.report_key("spore-1")) == 1


def test_a_probe_lies_before_all_others_and_expires(line, redis_client):
    redis_client.rpush(wire.queue_key("spore-1"), "b1")

    line.send_probe("spore-1-probe.1", "demo.whoami", ttl_seconds=60)

    key = wire.bundle_key("spore-1-probe.1")
    said = opened(redis_client.hget(key, "data"), wire.PURPOSE_PROBE)
    assert redis_client.lrange(wire.queue_key("spore-1"), 0, -1) == [b"spore-1-probe.1", b"b1"]
    assert (said["probe"], said["task"]) == ("spore-1-probe.1", "demo.whoami")
    assert 0 < redis_client.ttl(key) <= 60
    line.drop_probe("spore-1-probe.1")
    assert redis_client.lrange(wire.queue_key("spore-1"), 0, -1) == [b"b1"]
    assert not redis_client.exists(key)


def test_only_a_proof_of_the_same_probe_that_a_slot_signed_is_heard(line, redis_client):
    proof = {"v": wire.PROTOCOL, "probe": "p1", "release": "1.0", "reason": ""}

    heard = []
    for text, purpose in (
        (None, ""),
        (proof, wire.PURPOSE_REPORT),
        ({**proof, "probe": "p0"}, wire.PURPOSE_PROOF),
        (proof, wire.PURPOSE_PROOF),
    ):
        if text:
            sealed = seal(json.dumps(text), key=KEY, purpose=purpose)
            redis_client.set(wire.proof_key("spore-1"), sealed)
        heard.append(line.hear_proof("p1"))

    assert heard == [None, None, None, proof]


def test_a_report_that_is_written_down_is_replayed_with_its_bundle(line, redis_client, tmp_path):
    spool = Spool(tmp_path)
    redis_client.rpush(wire.intermediate_key("spore-1"), "b1")
    line.write_down({"bundle": "b1", "events": []}, spool)

    line.replay(spool)

    ((_, fields),) = redis_client.xrange(wire.report_key("spore-1"))
    assert opened(fields[b"e"], wire.PURPOSE_REPORT)["bundle"] == "b1"
    assert redis_client.lrange(wire.intermediate_key("spore-1"), 0, -1) == []
