"""A slot and its agent's probe."""

import json

import pytest

from hive_site.kernel.envelope import seal, unseal
from nodes import wire
from tests.jobs.spore.cast import LATE, ME, NODE

PROBE = wire.probe_id(NODE, "ab")


def whoami(ctx, item):
    print("it is me")
    return {"release": ctx.release, "node": ctx.node}


def probe(stage, *, key=ME.key, purpose=wire.PURPOSE_PROBE, **changes):
    body = {"v": wire.PROTOCOL, "node": NODE, "incarnation": ME.incarnation, "probe": PROBE}
    body |= {"task": "demo.whoami", **changes}
    stage.push(PROBE, seal(json.dumps(body), key=key, purpose=purpose))


def proof(stage):
    """What the slot said, if anything."""
    sealed = stage.redis.get(wire.proof_key(NODE))
    return unseal(sealed, key=ME.key, purpose=wire.PURPOSE_PROOF) if sealed else None


def test_a_probe_runs_and_only_the_agent_hears_of_it(stage):
    stage.add("demo.whoami", whoami)
    probe(stage)

    stage.serve()

    assert proof(stage) == {"v": 1, "probe": PROBE, "release": "1.0", "reason": ""}
    assert 0 < stage.redis.ttl(wire.proof_key(NODE)) <= 60
    assert stage.reports() == stage.popped() == []
    assert not stage.redis.exists(wire.bundle_key(PROBE))


def test_what_the_task_raises_is_the_reason(stage):
    def fail(ctx, item):
        raise RuntimeError("no moon")

    stage.add("demo.whoami", fail)
    probe(stage)

    stage.serve()

    assert proof(stage)["reason"] == "the probe failed with RuntimeError: no moon"
    assert stage.popped() == []


def test_a_release_without_the_task_cannot_work(stage):
    probe(stage)

    stage.serve()

    assert "no task is named 'demo.whoami'" in proof(stage)["reason"]


@pytest.mark.parametrize(
    "changes",
    [
        {"purpose": wire.PURPOSE_BUNDLE},
        {"key": b"another's"},
        {"incarnation": "another"},
        {"node": "spore-2"},
        {"probe": wire.probe_id(NODE, "cd")},
        {"v": 99},
    ],
)
def test_what_only_looks_like_a_probe_is_thrown_away(stage, changes):
    stage.add("demo.whoami", whoami)
    probe(stage, **changes)

    stage.serve()

    assert proof(stage) is None
    assert stage.reports() == stage.popped() == []


def test_a_probe_passes_for_no_bundle(stage):
    stage.add("demo.whoami", whoami)
    body = {"v": wire.PROTOCOL, "node": NODE, "incarnation": ME.incarnation, "probe": PROBE}
    stage.push("spore-1-64", seal(json.dumps(body), key=ME.key, purpose=wire.PURPOSE_PROBE))

    stage.serve()

    assert stage.reports() == stage.popped() == []


def test_a_bundle_for_a_task_that_this_release_lacks_is_handed_back_at_first(stage):
    stage.board.set_live(LATE - 5.0)
    stage.send("gone.task", [1, 2], now=LATE)
    stage.send("gone.task", [3], now=LATE + 0.1)

    stage.serve()

    [back] = [event["attempts"] for event in stage.events() if event["k"] == "back"]
    assert back == [100, 101]
    assert {a: event["k"] for a, event in stage.errors().items()} == {102: "fail"}


def test_before_the_first_heartbeat_all_that_is_lacking_is_handed_back(stage):
    stage.board.set_live(float("inf"))
    stage.send("gone.task", [1])

    stage.serve()

    assert [event["k"] for event in stage.events()] == ["back"]
