"""What others see of a slot."""

import json

from jobs.descriptions import describe_all
from jobs.spore import presence
from nodes import wire
from tests.jobs.spore.cast import echo


def test_a_slot_lets_everybody_know_which_tasks_it_has(stage):
    stage.add("t.echo", echo)

    stage.serve()

    text = describe_all(stage.registry)
    key = wire.tasks_key(wire.digest_tasks(text))
    assert json.loads(stage.redis.get(key)).keys() == {"stage.exit", "t.echo"}
    assert 0 < stage.redis.ttl(key) <= wire.TASKS_TTL_SECONDS
    assert stage.board[0].tasks() == wire.digest_tasks(text)


def test_a_list_too_long_for_redis_is_left_out(stage, monkeypatch):
    monkeypatch.setattr(wire, "PIECE_BYTES", 10)

    stage.serve()

    assert not stage.redis.keys(wire.tasks_key("*"))
    assert len(stage.board[0].tasks()) == 32  # not empty, which says that it is still loading


def test_a_slot_that_always_has_a_next_bundle_is_seen_all_the_same(stage, monkeypatch):
    monkeypatch.setattr(presence, "SHOW_EVERY_SECONDS", 0)
    shown = []

    def look(ctx, item):
        shown.append(len(stage.redis.keys("rq:worker:*")))
        stage.redis.delete(*stage.redis.keys("rq:worker:*"))  # as if it had long expired

    stage.add("t.look", look)
    for item in range(3):
        stage.send("t.look", [item])

    stage.serve()

    assert shown == [1, 1, 1]
