import os
import signal
import time
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nodes.spore.board import CANCEL, IDLE, NONE, TIMEOUT, Board, Work

A = Work(True, 1, 1.0, 1.5, 0.1, "a" * 60, "a" * 40, "a" * 90)
B = Work(True, 2, 2.0, 2.5, 0.2, "b" * 60, "b" * 40, "b" * 90)


@pytest.fixture
def board():
    return Board(3)


def in_child(act) -> int:
    """The pid of a forked process that acts and ends."""
    pid = os.fork()
    if pid:
        return pid
    try:
        act()
    finally:
        os._exit(0)


def test_a_fresh_slot_is_idle(board):
    assert board[0].read() == IDLE == Work()
    assert board[0].ordered(1) == NONE
    assert board.clock() == (0.0, False)
    assert len(board) == 3


def test_nothing_on_the_board_overlaps():
    board = Board(5)
    works = [replace(A, attempt=n, message=str(n) * 96) for n in range(5)]
    for _ in range(2):  # into both copies
        board.set_clock(offset_seconds=1.5, stopping=True)
        for n, work in enumerate(works):
            board[n].write(work)
            board[n].order(n, CANCEL)

    assert [board[n].read() for n in range(5)] == works
    assert [board[n].ordered(n) for n in range(5)] == [CANCEL] * 5
    assert board.clock() == (1.5, True)


@given(
    st.builds(
        Work,
        busy=st.booleans(),
        attempt=st.integers(0, 2**63 - 1),
        started=st.floats(allow_nan=False),
        limit=st.floats(allow_nan=False),
        progress=st.floats(0, 1),
        bundle=st.text("abc_-019", max_size=64),
        stop_token=st.text("abc_.019", max_size=48),
        message=st.text("aü日", max_size=32),
    )
)
def test_what_was_written_is_read(work):
    cell = Board(1)[0]

    cell.write(work)

    assert cell.read() == work


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("x" * 200, "x" * 96),
        ("ü" * 60, "ü" * 48),
        ("x" + "日" * 40, "x" + "日" * 31),  # 96 bytes end inside a letter
        ("half \ud800 pair", "half ? pair"),
    ],
)
def test_a_message_is_cut_to_whole_letters(board, said, shown):
    board[0].write(Work(message=said))

    assert board[0].read().message == shown


def test_what_a_slot_writes_the_agent_reads(board):
    pid = in_child(lambda: board[1].write(A))
    os.waitpid(pid, 0)

    assert board[1].read() == A


def test_what_the_agent_orders_the_slot_reads(board):
    board[1].order(7, TIMEOUT)

    pid = in_child(lambda: os._exit(board[1].ordered(7)))

    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == TIMEOUT


def test_an_order_is_about_one_attempt_only(board):
    board[0].order(7, CANCEL)

    assert (board[0].ordered(7), board[0].ordered(8)) == (CANCEL, NONE)
    board[0].order(8, TIMEOUT)
    assert (board[0].ordered(7), board[0].ordered(8)) == (NONE, TIMEOUT)


def test_a_new_slot_inherits_nothing_from_the_one_that_died(board):
    board[0].write(A)
    board[0].order(1, CANCEL)
    board[0].retire()

    board[0].clear()

    assert (board[0].read(), board[0].ordered(1)) == (IDLE, NONE)
    assert not board[0].is_retired()
    board[0].write(B)
    assert board[0].read() == B


def test_the_clock_is_shared_with_every_slot(board):
    board.set_clock(offset_seconds=-3600.25, stopping=False)
    before = board.clock()
    board.set_clock(offset_seconds=0.5, stopping=True)

    assert (before, board.clock()) == ((-3600.25, False), (0.5, True))


def test_nobody_ever_sees_half_of_what_a_slot_writes(board):
    def write_on() -> None:
        while True:
            board[0].write(B)
            board[0].write(A)

    board[0].write(A)
    writer = in_child(write_on)
    end = time.monotonic() + 20

    seen, reads = set(), 0
    while (reads < 20_000 or len(seen) < 2) and time.monotonic() < end:
        seen.add(board[0].read())
        reads += 1
    os.kill(writer, signal.SIGKILL)
    os.waitpid(writer, 0)

    assert seen == {A, B}


def test_a_slot_that_was_killed_while_it_wrote_leaves_its_last_whole_work(board):
    def write_on() -> None:
        while True:
            board[0].write(B)
            board[0].write(A)

    board[0].write(A)
    for _ in range(50):
        before = board[0].read()
        writer = in_child(write_on)
        while board[0].read() == before:
            pass
        os.kill(writer, signal.SIGKILL)
        os.waitpid(writer, 0)

        assert board[0].read() in (A, B)


def test_a_slot_shows_which_tasks_it_has_until_another_takes_its_place(board):
    digests = [letter * 32 for letter in "abc"]
    assert board[0].tasks() == ""

    for n, digest in enumerate(digests):
        board[n].show_tasks(digest)
        board[n].write(replace(A, attempt=n))
        board[n].order(n, CANCEL)

    assert [board[n].tasks() for n in range(3)] == digests
    assert [board[n].read().attempt for n in range(3)] == [0, 1, 2]
    board[1].clear()
    assert board[1].tasks() == ""


def test_a_board_without_a_gate_was_always_live_and_another_is_not_yet():
    board, gated = Board(1), Board(1, gated=True)
    before = board.live(), gated.live()
    gated.set_live(1.5)
    gated.set_clock(offset_seconds=3.0, stopping=True)

    assert before == (0.0, float("inf"))
    assert (gated.live(), gated.clock()) == (1.5, (3.0, True))
    assert (board.gate.is_open, gated.gate.is_open) == (True, False)
    gated.gate.open()
