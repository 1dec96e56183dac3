"""Played nodes say and do what Spores do, as far as a Foreman can see."""

import time
from multiprocessing import get_context
from random import Random

import pytest

from bench.players import Company, Played
from hive_site.kernel.envelope import node_key, seal, unseal
from jobs.wire import Piece, bundle_id, compose
from nodes import wire
from nodes.domain.beats import read_beat
from nodes.spore.sensors import HostSensors

NAME, FLEET_KEY = "node-0001", "the key of the test fleet"
KEY = node_key(FLEET_KEY, NAME)


def test_a_played_heartbeat_is_one_and_holds_what_a_spores_does():
    node = Played(NAME, KEY, 4)

    said = node.describe(Random(1), "digest")
    beat = read_beat({"incarnation": node.incarnation, **said})

    assert (beat.slots, beat.tasks, beat.total_memory_mb) == (4, "digest", 16_000)
    assert set(HostSensors().read([])) <= set(said)
    assert beat.incarnation == node.incarnation


def push(client, node, first: int) -> str:
    """A bundle of two items for a node, as the Foreman's Lua leaves it."""
    text = compose(
        node=NAME,
        incarnation=node.incarnation,
        job="job_a",
        stop_token="job_a.0",
        task="bench.noop",
        total=2,
        timeout=60.0,
        first=first,
        kwargs="{}",
        pieces=[Piece(1, 0, 1, "41"), Piece(2, 1, 1, '"é"')],
        gpus=(),
        idempotent=True,
        now=time.time(),
    )
    name = bundle_id(NAME, first)
    client.hset(wire.bundle_key(name), "data", seal(text, key=KEY, purpose=wire.PURPOSE_BUNDLE))
    client.rpush(wire.queue_key(NAME), name)
    return name


@pytest.mark.processes
def test_bundles_are_popped_for_free_slots_and_reported_when_their_time_is_over(real_broker):
    client, done = real_broker.open(), get_context("spawn").Value("d", 0.0)
    tasks = wire.list_tasks(["bench.noop"])
    about = {"slots": 1, "seconds": 10.0, "tasks": tasks, "done": done, "random": Random(1)}
    company = Company(real_broker.url, FLEET_KEY, [NAME], **about)
    node = company._nodes[NAME]
    first, second = push(client, node, 7), push(client, node, 9)

    now = time.time()
    company._step(now)
    popped = client.lrange(wire.intermediate_key(NAME), 0, -1)
    company._step(now + 30)
    ((_, fields),) = client.xrange(wire.report_key(NAME))
    report = unseal(fields[b"e"], key=KEY, purpose=wire.PURPOSE_REPORT)

    assert popped == [first.encode()]
    assert [(row[0], row[3]) for row in report["ok"]] == [(7, "41"), (8, '"\\u00e9"')]
    assert (report["bundle"], report["incarnation"]) == (first, node.incarnation)
    assert list(node.works) == [second]
    assert not client.exists(wire.bundle_key(first))
