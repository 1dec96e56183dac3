"""Programs that a task started do not outlive its slot."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress

import psutil
import pytest

from nodes.spore.board import Board, Work
from nodes.spore.identity import Identity
from nodes.spore.slots import SlotProcess, start_slot

pytestmark = [
    pytest.mark.processes,
    pytest.mark.skipif(sys.platform != "linux", reason="elsewhere slots stay with their agent"),
]
ME = Identity("spore-1", b"key", "one", 1, "1.0")
PATIENCE = 20


def until(condition) -> None:
    give_up_at = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < give_up_at, "it never came true"


@pytest.fixture
def slot():
    """A slot whose task started a program; the program is the attempt on its cell."""

    def start_program(identity: Identity, board: Board, index: int) -> None:
        program = subprocess.Popen(["sleep", "600"])
        board[index].write(Work(attempt=program.pid))
        while not board.clock()[1]:
            time.sleep(0.01)

    board = Board(1)
    slot = start_slot(start_program, ME, board, 0)
    slot.board = board
    until(lambda: slot.cell.read().attempt)
    yield slot
    with suppress(ProcessLookupError):
        os.kill(slot.cell.read().attempt, signal.SIGKILL)


def gone(slot: SlotProcess) -> bool:
    with suppress(psutil.NoSuchProcess):
        return psutil.Process(slot.cell.read().attempt).status() == psutil.STATUS_ZOMBIE
    return True


def test_a_killed_slot_takes_along_what_its_task_started(slot):
    slot.kill()

    until(slot.reap)
    until(lambda: gone(slot))


def test_a_slot_that_somebody_else_killed_leaves_nothing_of_its_task_behind(slot):
    os.kill(slot.pid, signal.SIGKILL)

    until(slot.reap)
    until(lambda: gone(slot))


def test_a_slot_that_ended_well_leaves_nothing_of_its_task_behind(slot):
    slot.board.set_clock(offset_seconds=0, stopping=True)

    until(slot.reap)
    until(lambda: gone(slot))
