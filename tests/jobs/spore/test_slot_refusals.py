"""What a slot does not run: what is forged, not for it, too old, or cancelled."""

import json

import pytest

from hive_site.kernel.envelope import seal
from nodes import wire
from tests.jobs.spore.cast import LATE, ME, NODE, echo


@pytest.mark.parametrize(
    "forgery",
    [
        {"key": b"another key"},
        {"node": "spore-2"},
        {"incarnation": "the one before"},
        {"kwargs": "{"},
    ],
)
def test_what_is_not_for_this_slot_never_runs(stage, forgery):
    stage.add("t.echo", echo)
    stage.send("t.echo", ["stolen"], **forgery)
    stage.send("t.echo", ["mine"])

    stage.serve()

    assert stage.results() == {101: "mine"}
    assert stage.events() == []
    assert stage.popped() == []


@pytest.mark.parametrize("envelope", [b"", b"v1", b"\xff\xfe", b'v1.x.{"a": 1}'])
def test_what_is_no_bundle_at_all_never_runs(stage, envelope):
    stage.push("spore-1-1", envelope)

    stage.serve()

    assert (stage.reports(), stage.popped()) == ([], [])


@pytest.mark.parametrize("body", [[], "text", None, {"v": 1}, {"v": 2, "node": NODE}])
def test_a_message_of_another_form_never_runs(stage, body):
    stage.push("spore-1-1", seal(json.dumps(body), key=ME.key, purpose=wire.PURPOSE_BUNDLE))

    stage.serve()

    assert (stage.reports(), stage.popped()) == ([], [])


def test_a_report_cannot_pass_for_a_bundle(stage):
    stage.add("t.echo", echo)
    bundle = stage.send("t.echo", [1])
    envelope = stage.redis.hget(wire.bundle_key(bundle), "data")
    text = envelope.split(b".", 2)[2].decode()
    forged = seal(text, key=ME.key, purpose=wire.PURPOSE_REPORT)
    stage.redis.hset(wire.bundle_key(bundle), "data", forged)

    stage.serve()

    assert stage.reports() == []


def test_a_bundle_that_waited_too_long_is_handed_back_whole(stage):
    stage.add("t.echo", echo)
    stage.send("t.echo", [1, 2], now=0)

    stage.serve()

    assert stage.results() == {}
    assert stage.events() == [{"k": "back", "all": True}]
    assert stage.popped() == []


def test_whether_a_bundle_is_too_old_is_told_by_the_clock_of_redis(stage):
    stage.add("t.echo", echo)
    stage.send("t.echo", [1])
    stage.board.set_clock(offset_seconds=LATE, stopping=False)

    stage.serve()

    assert stage.events() == [{"k": "back", "all": True}]


def test_a_bundle_that_was_halted_is_handed_back_whole(stage):
    stage.add("t.echo", echo)
    halted = stage.send("t.echo", [1])
    stage.send("t.echo", [2])
    stage.redis.hset(wire.bundle_key(halted), "halted", "1")

    stage.serve()

    assert stage.results() == {101: 2}
    assert stage.events() == [{"k": "back", "all": True}]


def again(stage, bundle):
    """What somebody who may write to Redis can do with a bundle that was sent."""
    envelope = stage.redis.hget(wire.bundle_key(bundle), "data")
    stage.push(bundle, envelope)
    stage.push(f"{NODE}-7", envelope)


@pytest.mark.parametrize(("idempotent", "runs"), [(False, 1), (True, 2)])
def test_what_must_not_run_twice_is_not_begun_again(stage, idempotent, runs):
    ran = []
    stage.add("t.note", lambda ctx, item: ran.append(item))
    again(stage, stage.send("t.note", ["once"], idempotent=idempotent))

    stage.serve()

    assert ran == ["once"] * runs


def test_what_was_begun_is_remembered_by_the_slot_that_follows(stage):
    ran = []
    stage.add("t.note", lambda ctx, item: ran.append(item))
    bundle = stage.send("t.note", ["once"], idempotent=False)
    envelope = stage.redis.hget(wire.bundle_key(bundle), "data")
    stage.serve()
    stage.push(bundle, envelope)

    stage.serve()

    assert ran == ["once"]
