"""Whatever a process and its children print is captured, and the Spore's own log is not.

pytest captures too, anew for each phase of a test, so each test captures in its own body.
"""

import logging
import os
import subprocess
import sys

import structlog

from jobs.spore import capture as module
from jobs.spore.capture import Capture

ON_BOTH = "import os; os.write(1, b'out'); os.write(2, b'err')"


def capture(act):
    """What is captured while `act` runs."""
    with Capture() as captured:
        act(captured)
        return captured.take()


def test_what_python_prints_is_captured_in_its_order():
    def act(captured):
        print("one")
        print("two", file=sys.stderr)
        captured.say("three")
        print("fo", end="")
        print("ur")

    assert capture(act) == b"one\ntwo\nthree\nfour\n"


def test_it_is_taken_once():
    with Capture() as captured:
        print("one")
        taken = captured.take(), captured.take()
        print("two", end="")
        taken += (captured.take(),)

    assert taken == (b"one\n", b"", b"two")


def test_what_children_print_is_captured():
    assert capture(lambda _: subprocess.check_call([sys.executable, "-c", ON_BOTH])) == b"outerr"


def test_what_is_said_to_the_task_is_captured_wherever_the_task_prints(monkeypatch):
    def act(captured):
        with open(os.devnull, "w") as nowhere, monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", nowhere)
            print("nowhere")
            captured.say("here")

    assert capture(act) == b"here\n"


def test_any_text_can_be_printed():
    assert capture(lambda _: print("ü \ud800 \0")) == "ü \\ud800 \0\n".encode()


def test_what_tasks_log_is_captured_and_what_the_spore_says_is_not():
    def act(captured):
        logging.getLogger("some.library").warning("watch out, %s", "bee")
        logging.getLogger("jobs.spore.slot").warning("mine")
        structlog.get_logger("nodes.spore.agent").warning("mine too")
        logging.getLogger("rq.worker").warning("mine as well")

    assert capture(act) == b"WARNING some.library: watch out, bee\n"


def test_the_spores_own_log_goes_where_it_went_before(capfd):
    handler = logging.StreamHandler()
    logger = logging.getLogger("jobs.spore.test")
    logger.addHandler(handler)
    try:
        taken = capture(lambda _: logger.warning("of the Spore"))
    finally:
        logger.removeHandler(handler)

    assert taken == b""
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


def test_a_flood_does_not_fill_the_memory(monkeypatch):
    monkeypatch.setattr(module, "ROOM_BYTES", 1000)
    lines = [f"{n:099}\n" for n in range(100)]
    taken, sizes = b"", set()

    with Capture() as captured:
        for line in lines:
            print(line, end="")
            taken += captured.take()
            sizes.add(os.fstat(captured._file).st_size)

    assert taken == "".join(lines).encode()
    assert max(sizes) < 1000


def test_without_files_in_memory_one_on_disk_will_do(monkeypatch):
    monkeypatch.delattr(os, "memfd_create")

    assert capture(lambda _: subprocess.check_call(["echo", "child"])) == b"child\n"


def test_much_is_taken_piece_by_piece(monkeypatch):
    monkeypatch.setattr(module, "ROOM_BYTES", 10)

    with Capture() as captured:
        print("0123456789abcdef", end="")
        taken = captured.take(), captured.take(), captured.take()

    assert taken == (b"0123456789", b"abcdef", b"")
