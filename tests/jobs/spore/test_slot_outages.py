"""What becomes of a slot and its work while Redis is away."""

from jobs.spore import reporter, slot
from nodes import wire
from nodes.spore.board import IDLE
from tests.jobs.spore.cast import WORKER, echo


def test_results_of_a_bundle_survive_that_redis_is_away(stage, monkeypatch):
    monkeypatch.setattr(reporter, "AWAY_SECONDS", 0.0)

    def cut_off(ctx, item):
        stage.server.absent = 20
        return item

    stage.add("t.cut_off", cut_off)
    stage.send("t.cut_off", [1, 2])
    stage.send("t.cut_off", [3])

    stage.serve()

    assert stage.server.absent == 0
    assert stage.results() == {100: 1, 101: 2, 102: 3}
    assert stage.popped() == []


def test_a_slot_waits_for_a_redis_that_is_away_when_it_starts(stage, monkeypatch):
    monkeypatch.setattr(slot, "AWAY_SECONDS", 0.0)
    stage.add("t.echo", echo)
    stage.send("t.echo", [1])

    stage.serve(absent=50)

    assert stage.results() == {100: 1}


def test_a_slot_whose_greeting_was_cut_short_greets_again(stage, monkeypatch):
    monkeypatch.setattr(slot, "AWAY_SECONDS", 0.0)
    stage.add("t.echo", echo)
    stage.send("t.echo", [1])
    stage.traps.add(WORKER)

    stage.serve()

    assert stage.traps == set()
    assert stage.results() == {100: 1}


def test_a_bundle_that_could_not_be_read_stays_for_the_agent_to_hand_back(stage, monkeypatch):
    monkeypatch.setattr(slot, "RECYCLE_AFTER_BUNDLES", 1)
    stage.add("t.echo", echo)
    bundle = stage.send("t.echo", [1])
    stage.traps.add(wire.bundle_key(bundle))

    stage.serve()

    assert stage.results() == {}
    assert stage.popped() == [bundle.encode()]
    assert stage.board[0].read() == IDLE
