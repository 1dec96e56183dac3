"""What a slot does with bundles: run them, refuse them, hand them back, and outlive anything."""

import os
import signal
from datetime import timedelta

import pytest

from jobs.outcomes import Retry
from jobs.spore import reporter, slot
from nodes import wire
from nodes.spore.board import CANCEL, IDLE, TIMEOUT
from nodes.spore.slots import SOFT_STOP
from tests.jobs.spore.cast import ME, NODE, WORKER, echo, until


def test_a_bundle_is_run_item_by_item_and_is_gone_afterwards(stage):
    stage.add("t.echo", echo)
    bundle = stage.send("t.echo", ["a", {"b": None}, 3])

    stage.serve()

    assert stage.results() == {100: "a", 101: {"b": None}, 102: 3}
    assert stage.events() == []
    assert stage.popped() == []
    assert not stage.redis.exists(wire.bundle_key(bundle))
    assert stage.board[0].read() == IDLE


def test_a_report_says_who_ran_what_and_when(stage):
    stage.add("t.echo", echo)
    bundle = stage.send("t.echo", [1])
    stage.board.set_clock(offset_seconds=1e9, stopping=False)

    stage.serve()

    [body] = stage.reports()
    [[_, started, ended, _]] = body["ok"]
    assert (body["v"], body["incarnation"]) == (wire.PROTOCOL, ME.incarnation)
    assert (body["bundle"], body["job"]) == (bundle, "job_1")
    assert 2e9 < started <= ended  # on Redis's clock


def test_while_an_item_runs_the_board_shows_it(stage):
    seen = []
    stage.add("t.look", lambda ctx, item: seen.append(stage.board[0].read()))
    bundle = stage.send("t.look", [None], timeout=7)

    stage.serve()

    [work] = seen
    assert (work.busy, work.attempt, work.bundle) == (True, 100, bundle)
    assert work.stop_token == "job_1.1"
    assert work.limit - work.started == pytest.approx(7)


def test_what_a_task_raises_is_reported_and_its_neighbours_run(stage):
    def divide(ctx, item):
        return 1 / item

    stage.add("t.divide", divide)
    stage.send("t.divide", [1, 0, 2])

    stage.serve()

    assert stage.results() == {100: 1.0, 102: 0.5}
    error = stage.errors()[101]
    assert (error["k"], error["e"]["type"]) == ("fail", "ZeroDivisionError")
    assert "return 1 / item" in error["e"]["traceback"]


def test_a_wish_for_a_retry_that_makes_no_sense_is_the_tasks_own_failure(stage):
    def again(ctx, item):
        raise Retry("busy", after=timedelta(seconds=item))

    stage.add("t.again", again)
    stage.add("t.echo", echo)
    stage.send("t.again", [5])
    stage.send("t.echo", [6])

    stage.serve()

    assert "give seconds" in stage.errors()[100]["e"]["message"]
    assert stage.results() == {101: 6}


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), GeneratorExit()])
def test_nothing_that_a_task_raises_ends_the_slot(stage, error):
    def fail(ctx, item):
        raise error

    stage.add("t.fail", fail)
    stage.send("t.fail", [None])

    stage.serve()

    assert stage.errors()[100]["e"]["type"] == type(error).__name__


def test_keywords_are_shared_by_all_items(stage):
    stage.add("t.add", lambda ctx, item, *, to: item + to)
    stage.send("t.add", [1, 2], kwargs='{"to": 10}')

    stage.serve()

    assert stage.results() == {100: 11, 101: 12}


def test_the_devices_of_a_bundle_are_the_only_ones_its_tasks_see(stage):
    stage.add("t.devices", lambda ctx, item: os.environ["CUDA_VISIBLE_DEVICES"])
    stage.send("t.devices", [None], gpus=(1, 3))
    stage.send("t.devices", [None])

    stage.serve()

    assert stage.results() == {100: "1,3", 101: ""}


def test_an_unknown_task_fails_by_its_name_for_every_item(stage):
    stage.send("t.nowhere", [1, 2])

    stage.serve()

    assert stage.errors().keys() == {100, 101}
    assert stage.errors()[100]["e"]["type"] == "unknown_task"
    assert "'t.nowhere'" in stage.errors()[100]["e"]["message"]


def test_a_slot_that_is_to_end_finishes_its_item_and_hands_back_the_rest(stage):
    def stop(ctx, item):
        stage.exit()
        return item

    stage.add("t.stop", stop)
    stage.send("t.stop", ["done", "not begun", "not begun"])
    stage.send("t.stop", ["left in the queue"])

    stage.serve()

    assert stage.results() == {100: "done"}
    assert stage.events() == [{"k": "back", "attempts": [101, 102]}]
    assert stage.redis.llen(wire.queue_key(NODE)) == 2  # with the stage's own


@pytest.mark.parametrize(("what", "kind"), [(CANCEL, "cancelled"), (TIMEOUT, "timeout")])
def test_a_task_that_is_told_to_end_ends_and_the_next_item_runs(stage, what, kind):
    def interrupted(ctx, item):
        if item == "long":
            stage.board[0].order(100, what)
            os.kill(os.getpid(), SOFT_STOP)
        return item

    stage.add("t.interrupted", interrupted)
    stage.send("t.interrupted", ["long", "short"])

    stage.serve()

    assert stage.results() == {101: "short"}
    assert (stage.errors()[100]["k"], stage.errors()[100]["e"]["type"]) == (kind, kind)


def test_a_task_that_catches_every_exception_does_not_catch_its_end(stage):
    def stubborn(ctx, item):
        stage.board[0].order(100, TIMEOUT)
        try:
            os.kill(os.getpid(), SOFT_STOP)
        except Exception:
            return "caught it"

    stage.add("t.stubborn", stubborn)
    stage.send("t.stubborn", [None])

    stage.serve()

    assert stage.errors()[100]["k"] == "timeout"


def test_an_order_about_another_attempt_interrupts_nobody(stage):
    def late(ctx, item):
        stage.board[0].order(99, CANCEL)
        os.kill(os.getpid(), SOFT_STOP)
        return "undisturbed"

    stage.add("t.late", late)
    stage.send("t.late", [None])

    stage.serve()
    signal.raise_signal(SOFT_STOP)  # nor does one while the slot is idle

    assert stage.results() == {100: "undisturbed"}


def test_an_order_that_comes_after_its_attempt_interrupts_nobody(stage, monkeypatch):
    monkeypatch.setattr(slot, "RECYCLE_AFTER_BUNDLES", 1)
    stage.add("t.done", lambda ctx, item: stage.board[0].order(100, CANCEL))
    stage.send("t.done", [None])
    stage.serve()

    signal.raise_signal(SOFT_STOP)

    assert stage.results() == {100: None}


def test_the_rest_of_a_bundle_is_handed_back_while_a_long_item_runs(stage, monkeypatch):
    monkeypatch.setattr(reporter, "LONG_SECONDS", 0.0)
    stage.add("t.long", lambda ctx, item: until(stage.events, what="the hand-back"))
    stage.send("t.long", ["long", "short", "short"])

    stage.serve()

    assert stage.results().keys() == {100}
    assert stage.events()[0] == {"k": "back", "attempts": [101, 102]}


def test_results_are_sent_while_the_bundle_runs(stage):
    def patient(ctx, item):
        return item or until(stage.results, what="the first result")[100]

    stage.add("t.patient", patient)
    stage.send("t.patient", ["first", None])

    stage.serve()

    assert stage.results() == {100: "first", 101: "first"}
    assert len(stage.reports()) > 1


def test_a_slot_shows_itself_to_rq_and_takes_its_leave(stage):
    stage.add("t.seen", lambda ctx, item: [w.decode() for w in stage.redis.smembers("rq:workers")])
    stage.send("t.seen", [None])

    stage.serve()

    [names] = stage.results().values()
    assert names == [WORKER]
    assert stage.redis.smembers("rq:workers") == set()


def test_a_slot_is_replaced_after_many_bundles(stage, monkeypatch):
    monkeypatch.setattr(slot, "RECYCLE_AFTER_BUNDLES", 2)
    stage.add("t.echo", echo)
    for item in range(3):
        stage.send("t.echo", [item])

    stage.serve()

    assert stage.results() == {100: 0, 101: 1}


def test_a_slot_that_is_not_wanted_any_more_leaves_what_waits_to_others(stage):
    stage.add("t.shrink", lambda ctx, item: stage.board[0].retire())
    stage.send("t.shrink", [None])
    waits = stage.send("t.shrink", [None])

    stage.serve()

    assert stage.results() == {100: None}
    assert stage.popped() == []
    assert stage.redis.lindex(wire.queue_key(NODE), 0) == waits.encode()
