"""What a slot tells of attempts while they run: partial results and logs."""

import subprocess

import pytest

from jobs.spore import verdicts
from jobs.wire import MAX_PARTIAL_BYTES
from nodes.spore.board import TIMEOUT
from nodes.spore.slots import SOFT_STOP


def of_kind(stage, kind):
    return [event for event in stage.events() if event["k"] == kind]


def test_partial_results_are_told_in_order(stage):
    def count(ctx, item):
        for n in range(item):
            yield {"n": n}
        return "done"

    stage.add("t.count", count)
    stage.send("t.count", [2, 1])

    stage.serve()

    assert stage.results() == {100: "done", 101: "done"}
    assert of_kind(stage, "part") == [
        {"k": "part", "a": 100, "n": 1, "value": '{"n":0}'},
        {"k": "part", "a": 100, "n": 2, "value": '{"n":1}'},
        {"k": "part", "a": 101, "n": 1, "value": '{"n":0}'},
    ]


@pytest.mark.parametrize(
    ("value", "kind", "reason"),
    [
        (object(), "result_invalid", "partial result 2 is not JSON"),
        ("x" * MAX_PARTIAL_BYTES, "result_too_large", "partial result 2 has 262146 bytes"),
    ],
    ids=["no JSON", "too large"],
)
def test_a_partial_result_that_nobody_can_keep_ends_the_attempt_for_good(
    stage, value, kind, reason
):
    def odd(ctx, item):
        yield 1
        yield value

    stage.add("t.odd", odd)
    stage.send("t.odd", [None])

    stage.serve()

    [failure] = of_kind(stage, "fail")
    assert (failure["e"]["type"], failure["final"]) == (kind, True)
    assert failure["e"]["message"].startswith(reason)
    assert [event["value"] for event in of_kind(stage, "part")] == ["1"]


def test_an_attempt_has_so_many_partial_results_and_no_more(stage, monkeypatch):
    monkeypatch.setattr(verdicts, "MAX_PARTIALS", 3)
    stage.add("t.endless", lambda ctx, item: (n for n in range(10**9)))
    stage.send("t.endless", [None])

    stage.serve()

    [failure] = of_kind(stage, "fail")
    assert "an attempt may have 3 partial results" in failure["e"]["message"]
    assert len(of_kind(stage, "part")) == 3


def test_what_a_task_and_its_children_say_is_told_for_its_attempt(stage):
    def loud(ctx, item):
        ctx.log(f"log {item}")
        print(f"print {item}")
        subprocess.check_call(["echo", f"echo {item}"])

    stage.add("t.loud", loud)
    stage.add("t.mute", lambda ctx, item: None)
    stage.send("t.loud", ["a", "b"])
    stage.send("t.mute", ["c"])

    stage.serve()

    texts = {}
    for event in of_kind(stage, "log"):
        texts[event["a"]] = texts.get(event["a"], "") + event["text"]
    assert texts == {
        100: "log a\nprint a\necho a\n",
        101: "log b\nprint b\necho b\n",
    }


def test_an_order_to_end_that_comes_while_something_is_told_ends_the_task_right_after_it(
    stage, monkeypatch
):
    """Raised in the middle of it, it would leave the reporter locked for ever."""
    from jobs.spore.reporter import Reporter

    happened = Reporter.happened

    def interrupted(self, event, size=0):
        with self._lock:
            import signal

            stage.board[0].order(event["a"], TIMEOUT)
            signal.raise_signal(SOFT_STOP)
        happened(self, event, size)

    def stubborn(ctx, item):
        yield 1
        yield 2

    stage.add("t.stubborn", stubborn)
    stage.add("t.echo", lambda ctx, item: item)
    stage.send("t.stubborn", [None])
    stage.send("t.echo", [7])
    monkeypatch.setattr(Reporter, "happened", interrupted)

    stage.serve()

    assert [event["value"] for event in of_kind(stage, "part")] == ["1"]
    [timeout] = of_kind(stage, "timeout")
    assert timeout["a"] == 100
    assert stage.results() == {101: 7}
