"""Whatever a process and its children print is captured, and the Spore's own log is not.

pytest captures too, anew for each phase of a test, so each test captures in its own body.
"""

import io
import logging
import os
import subprocess
import sys

import pytest
import structlog

from jobs.spore.capture import Capture
from nodes.spore.board import Board

ON_BOTH = "import os; os.write(1, b'out'); os.write(2, b'err')"


def new_capture():
    return Capture(Board(1)[0].output)


def capture(act):
    """What is captured while `act` runs."""
    with new_capture() as captured:
        captured.skip()
        act(captured)
        return captured.take()


def test_what_python_prints_is_captured_in_its_order():
    def act(captured):
        print("one")
        print("two", file=sys.stderr)
        captured.say("three")
        print("fo", end="")
        print("ur")

    assert capture(act) == "one\ntwo\nthree\nfour\n"


def test_it_is_taken_once():
    with new_capture() as captured:
        captured.skip()
        print("one")
        taken = captured.take(), captured.take()
        print("two", end="")
        taken += (captured.take(),)

    assert taken == ("one\n", "", "two")


def test_what_children_print_is_captured():
    assert capture(lambda _: subprocess.check_call([sys.executable, "-c", ON_BOTH])) == "outerr"


def test_what_is_said_to_the_task_is_captured_wherever_the_task_prints(monkeypatch):
    def act(captured):
        with open(os.devnull, "w") as nowhere, monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", nowhere)
            print("nowhere")
            captured.say("here")

    assert capture(act) == "here\n"


def test_any_text_can_be_printed():
    assert capture(lambda _: print("ü \ud800 \0")) == "ü \\ud800 �\n"


def test_what_tasks_log_is_captured_and_what_the_spore_says_is_not():
    def act(captured):
        logging.getLogger("some.library").warning("watch out, %s", "bee")
        logging.getLogger("jobs.spore.slot").warning("mine")
        structlog.get_logger("nodes.spore.agent").warning("mine too")
        logging.getLogger("rq.worker").warning("mine as well")

    assert capture(act) == "WARNING some.library: watch out, bee\n"


def test_the_spores_own_log_goes_where_it_went_before(capfd):
    handler = logging.StreamHandler()
    logger = logging.getLogger("jobs.spore.test")
    logger.addHandler(handler)
    try:
        taken = capture(lambda _: logger.warning("of the Spore"))
    finally:
        logger.removeHandler(handler)

    assert taken == ""
    assert "of the Spore" in capfd.readouterr().err
    assert handler.stream is sys.stderr


def test_afterwards_everything_is_as_before(capfd):
    before = sys.stdout, sys.stderr, list(logging.root.handlers)

    capture(lambda _: print("captured"))
    print("out")
    os.write(2, b"err")

    assert (sys.stdout, sys.stderr, list(logging.root.handlers)) == before
    said = capfd.readouterr()
    assert (said.out, said.err) == ("out\n", "err")


def wrap(captured):
    sys.stdout = io.TextIOWrapper(sys.stdout.buffer, "utf-8")
    print("wrapped")
    sys.stdout = sys.__stdout__


def detach(captured):
    sys.stdout = io.TextIOWrapper(sys.stdout.detach(), "utf-8")
    print("detached")


def close(captured):
    print("before it is closed")
    sys.stdout.close()
    sys.stderr.close()


def replace(captured):
    sys.stdout = io.StringIO()
    print("kept by the task")


def take_away(captured):
    del sys.stdout


def put_something_odd(captured):
    sys.stdout = sys.stderr = object()


ODD = {
    "wrapped": (wrap, "wrapped\n"),
    "detached": (detach, "detached\n"),
    "closed": (close, "before it is closed\n"),
    "replaced": (replace, ""),
    "taken away": (take_away, ""),
    "an object": (put_something_odd, ""),
}


@pytest.mark.parametrize("how", ODD)
def test_whatever_a_task_does_to_its_streams_it_is_heard_and_so_is_the_next_one(how):
    act, said = ODD[how]
    with new_capture() as captured:
        captured.skip()
        captured.put_back()
        act(captured)
        first = captured.take()
        captured.put_back()
        first += captured.take() + captured.rest()
        captured.skip()
        captured.put_back()
        print("the next one")
        print("on stderr", file=sys.stderr)
        captured.say("said")
        logging.getLogger("some.library").warning("logged")
        second = captured.take()

    assert first == said
    assert second == "the next one\non stderr\nsaid\nWARNING some.library: logged\n"


def test_what_a_task_says_after_it_closed_its_streams_is_heard():
    def act(captured):
        close(captured)
        captured.say("said")
        logging.getLogger("some.library").warning("logged")

    assert capture(act).endswith("closed\nsaid\nWARNING some.library: logged\n")
