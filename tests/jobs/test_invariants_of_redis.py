"""What is broken between database and Redis on purpose is found."""

import json

import pytest

from jobs.invariants import check_redis
from jobs.models import Job, Subtask
from nodes import wire
from nodes.domain.placement import DEEPEST
from nodes.models import Node


@pytest.fixture
def stage(unchecked_stage):
    return unchecked_stage


def test_a_bundle_that_is_nowhere_is_found(stage):
    stage.submit(1)
    spore, sent = stage.bundle()
    spore.end(sent)

    [violation] = check_redis(stage.redis)
    assert (violation.rule, violation.subject) == ("I7", sent.id)
    spore.report(bundle=sent.id)  # it may be in a report that nobody has read yet
    assert check_redis(stage.redis) == []


def test_work_in_the_ledger_that_ended_is_found(stage):
    stage.submit(1)
    _, sent = stage.bundle()
    Subtask.objects.update(state="cancelled", seq=1)
    Job.objects.update(state="cancelled", cancelled=1)

    [violation] = check_redis(stage.redis)
    assert (violation.rule, violation.subject) == ("I8", sent.id)


def test_a_bundle_that_is_listed_twice_is_found(stage):
    stage.submit(1)
    spore, sent = stage.bundle()
    stage.redis.rpush(wire.queue_key(spore.name), sent.id)

    [violation] = check_redis(stage.redis)
    assert (violation.rule, violation.subject) == ("I8", sent.id)
    assert "2 times" in violation.detail


def test_a_bundle_that_nobody_sent_is_found(stage):
    stage.redis.rpush(wire.queue_key("spore-1"), "spore-1-99")

    [violation] = check_redis(stage.redis)
    assert (violation.rule, violation.subject) == ("I8", "spore-1-99")


def test_work_on_a_lost_node_is_found(stage):
    stage.submit(1)
    spore, _ = stage.bundle()
    Node.objects.filter(name=spore.name).update(state="lost")

    [violation] = check_redis(stage.redis)
    assert (violation.rule, violation.subject) == ("I9", spore.name)


def test_a_queue_that_is_too_long_is_found(stage):
    entry = json.dumps({"i": "", "j": "", "f": 1, "s": [], "t": 0, "g": []})
    for n in range(1 + DEEPEST + 1):
        assert check_redis(stage.redis) == []
        stage.redis.rpush(wire.queue_key("spore-1"), f"spore-1-{n}")
        stage.redis.hset(wire.flight_key("spore-1"), f"spore-1-{n}", entry)

    [violation] = check_redis(stage.redis)
    assert (violation.rule, violation.subject) == ("I10", "spore-1")


def test_a_key_that_would_stay_for_ever_is_found(stage):
    stage.redis.set("hive:cancel:job_a.1", "1")

    [violation] = check_redis(stage.redis)
    assert (violation.rule, violation.subject) == ("I12", "hive:cancel:job_a.1")
    stage.redis.expire("hive:cancel:job_a.1", 60)
    assert check_redis(stage.redis) == []


@pytest.mark.parametrize("key", [wire.BOOT, wire.EPOCH])
@pytest.mark.parametrize("value", ["77", None])
def test_another_memory_or_another_epoch_is_found(stage, key, value):
    stage.redis.set(key, value) if value else stage.redis.delete(key)

    [violation] = check_redis(stage.redis)
    assert (violation.rule, violation.subject) == ("I13", key)


def test_a_probe_of_an_agent_is_no_bundle_that_nobody_sent(stage):
    stage.redis.rpush(wire.queue_key("spore-1"), wire.probe_id("spore-1", "ab"))
    stage.redis.rpush(wire.intermediate_key("spore-1"), wire.probe_id("spore-1", "cd"))

    assert check_redis(stage.redis) == []
