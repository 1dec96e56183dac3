"""What a slot tells of attempts while they run: partial results and logs."""

import io
import subprocess
import sys
from datetime import timedelta

import pytest

from jobs.outcomes import Retry
from jobs.packing import pack
from jobs.spore import verdicts
from jobs.wire import MAX_PARTIAL_BYTES
from nodes.spore.board import TIMEOUT
from nodes.spore.slots import SOFT_STOP


def of_kind(stage, kind):
    return [event for event in stage.events() if event["k"] == kind]


def said(stage):
    """What each attempt said."""
    texts = {}
    for event in of_kind(stage, "log"):
        texts[event["a"]] = texts.get(event["a"], "") + event["text"]
    return texts


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

    texts = said(stage)
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


def wrap(ctx, item):
    sys.stdout = io.TextIOWrapper(sys.stdout.buffer, "utf-8")
    print("wrapped")
    return 1


def detach(ctx, item):
    sys.stdout = io.TextIOWrapper(sys.stdout.detach(), "utf-8")
    print("detached")
    return 1


def close(ctx, item):
    print("closed")
    sys.stdout.close()
    return 1


@pytest.mark.parametrize("task", [wrap, detach, close])
def test_a_task_that_breaks_its_streams_succeeds_and_so_do_the_next_ones(stage, task):
    def speak(ctx, item):
        print("print")
        ctx.log("log")
        return item

    stage.add("t.odd", task)
    stage.add("t.speak", speak)
    stage.send("t.odd", [None, None])
    stage.send("t.speak", [7])

    stage.serve()

    assert stage.results() == {100: 1, 101: 1, 102: 7}
    line = {wrap: "wrapped\n", detach: "detached\n", close: "closed\n"}[task]
    assert said(stage) == {100: line, 101: line, 102: "print\nlog\n"}


def test_a_task_that_keeps_its_output_for_itself_silences_no_other(stage):
    def hide(ctx, item):
        sys.stdout = sys.stderr = io.StringIO()
        print("hidden")

    stage.add("t.hide", hide)
    stage.add("t.speak", lambda ctx, item: print("heard"))
    stage.send("t.hide", [None])
    stage.send("t.speak", [None])

    stage.serve()

    assert said(stage) == {101: "heard\n"}


def test_what_one_item_leaves_behind_is_not_in_the_log_of_the_next(stage, monkeypatch):
    from jobs.spore.reporter import Reporter

    begin, left = Reporter.take, []

    def leave(ctx, item):
        left.append(subprocess.Popen(["cat"], stdin=subprocess.PIPE))

    def print_much(self, position):
        if left:
            left.pop().communicate(b"of another\n" * 100_000)
        return begin(self, position)

    stage.add("t.leave", leave)
    stage.add("t.speak", lambda ctx, item: print("mine"))
    monkeypatch.setattr(Reporter, "take", print_much)
    stage.send("t.leave", [None])
    stage.send("t.speak", [None])

    stage.serve()

    assert said(stage) == {101: "mine\n"}


def odd_retry():
    error = Retry("x")
    error.after = timedelta(seconds=1)
    return error


def odd_place():
    error = SyntaxError("bad")
    error.filename, error.lineno, error.offset, error.text = "x", 1, "q", "abc"
    return error


@pytest.mark.parametrize("make", [odd_retry, odd_place])
def test_what_cannot_be_described_is_a_failure_and_the_slot_goes_on(stage, make):
    def fail(ctx, item):
        if item is None:
            raise make()
        return item

    stage.add("t.fail", fail)
    stage.send("t.fail", [None, 7])

    stage.serve()

    [failure] = of_kind(stage, "fail")
    assert failure["a"] == 100
    assert stage.results() == {101: 7}


def test_a_document_that_looks_like_a_python_object_is_no_result(stage):
    stage.add("t.fetch", lambda ctx, item: {"document": item})
    stage.send("t.fetch", [pack(1), "harmless"])

    stage.serve()

    [failure] = of_kind(stage, "fail")
    assert (failure["a"], failure["final"]) == (100, True)
    assert "$pickle" in failure["e"]["message"]
    assert stage.results() == {101: {"document": "harmless"}}
