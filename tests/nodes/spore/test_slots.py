import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from nodes.spore.board import CANCEL, IDLE, NONE, Board, Work
from nodes.spore.identity import Identity
from nodes.spore.slots import SOFT_STOP, start_slot
from tests.nodes.cast import wait_until

pytestmark = pytest.mark.processes
ME = Identity("spore-1", b"key", "one", 2, "1.0")
WORK = Work(busy=True, attempt=7, bundle="b1", message="half of it")


@pytest.fixture
def start():
    """Starts slots and, at the end, kills those that nobody reaped."""
    board, started = Board(2), []

    def start_one(main, index: int = 0):
        started.append(start_slot(main, ME, board, index))
        return started[-1]

    yield start_one
    for slot in started:
        with_me = [child.pid for child in psutil.Process().children()]
        if slot.pid in with_me:
            slot.kill()
            reaped(slot)


def reaped(slot):
    """How it ended, as soon as it has."""
    ends = []
    wait_until(lambda: (end := slot.reap()) and not ends.append(end))
    return ends[0]


def stay(identity: Identity, board: Board, index: int) -> None:
    board[index].write(WORK)
    signal.signal(SOFT_STOP, lambda *_: None)
    while True:
        time.sleep(60)


def working(slot) -> None:
    wait_until(lambda: slot.cell.read() == WORK)


def test_a_slot_knows_whose_it_is_and_which(start):
    def tell(identity: Identity, board: Board, index: int) -> None:
        board[index].write(Work(attempt=os.getpid(), bundle=identity.name, message=str(index)))

    slot = start(tell, 1)
    end = reaped(slot)

    assert (end.work.attempt, end.work.bundle, end.work.message) == (slot.pid, "spore-1", "1")
    assert slot.pid != os.getpid()


def test_a_slot_that_returns_ended_well(start):
    end = reaped(start(lambda *_: None))

    assert (end.index, end.how, end.clean, end.work) == (0, "exit code 0", True, IDLE)


def test_a_slot_that_raises_says_why_and_ends_badly(start, capfd):
    def fail(*_) -> None:
        raise RuntimeError("the moon is in the wrong house")

    # As a Spore has it: what it logs goes to the descriptor.
    with open(2, "w", closefd=False) as stderr:
        handler = logging.StreamHandler(stderr)
        logging.root.addHandler(handler)
        end = reaped(start(fail))
        logging.root.removeHandler(handler)

    assert (end.how, end.clean) == ("exit code 1", False)
    assert "RuntimeError: the moon is in the wrong house" in capfd.readouterr().err


def test_a_slot_that_exits_in_the_middle_of_work_ended_badly(start):
    def vanish(identity: Identity, board: Board, index: int) -> None:
        board[index].write(WORK)
        os._exit(0)

    end = reaped(start(vanish))

    assert (end.how, end.clean, end.work) == ("exit code 0", False, WORK)


@pytest.mark.parametrize(
    ("number", "how"),
    [
        (signal.SIGKILL, "signal SIGKILL"),
        (signal.SIGHUP, "signal SIGHUP"),
        (signal.SIGRTMIN + 5, f"signal {signal.SIGRTMIN + 5}"),
    ],
)
def test_a_slot_that_was_killed_tells_by_what_and_at_what_work(start, number, how):
    slot = start(stay)
    working(slot)

    os.kill(slot.pid, number)
    end = reaped(slot)

    assert (end.how, end.clean, end.work) == (how, False, WORK)


def test_a_living_slot_is_not_reaped(start):
    slot = start(stay)
    working(slot)

    assert slot.reap() is None


def test_a_kill_ends_a_slot_that_ignores_everything_else(start):
    def defy(identity: Identity, board: Board, index: int) -> None:
        for number in (signal.SIGTERM, signal.SIGINT, SOFT_STOP):
            signal.signal(number, signal.SIG_IGN)
        stay(identity, board, index)

    slot = start(defy)
    working(slot)

    slot.kill()

    assert reaped(slot).how == "signal SIGKILL"


def test_only_the_agent_decides_when_slots_stop(start):
    slot = start(stay)
    working(slot)

    for number in (signal.SIGTERM, signal.SIGINT):  # Ctrl-C reaches the whole process group
        os.kill(slot.pid, number)
    slot.kill()

    assert reaped(slot).how == "signal SIGKILL"


def test_an_interrupt_carries_what_is_wanted_of_which_attempt(start):
    def heed(identity: Identity, board: Board, index: int) -> None:
        def on_soft_stop(*_) -> None:
            wanted = board[index].ordered(7), board[index].ordered(8)
            board[index].write(Work(attempt=100 + wanted[0], message=str(wanted[1])))
            os._exit(0)

        signal.signal(SOFT_STOP, on_soft_stop)
        stay_on = board[index]
        stay_on.write(WORK)
        while True:
            time.sleep(60)

    slot = start(heed)
    working(slot)

    slot.interrupt(7, CANCEL)

    work = reaped(slot).work
    assert (work.attempt, work.message) == (100 + CANCEL, str(NONE))


def test_a_slot_starts_idle_whatever_its_predecessor_left(start):
    first = start(stay)
    working(first)
    first.interrupt(7, CANCEL)
    first.kill()
    reaped(first)

    second = start(lambda *_: None)

    assert (second.cell.read(), second.cell.ordered(7)) == (IDLE, NONE)
    assert reaped(second).clean


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children of a death")
def test_slots_die_with_their_agent(tmp_path):
    script = Path(__file__).with_name("lonely_agent.py")
    agent = subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True)
    slots = [psutil.Process(int(pid)) for pid in agent.stdout.readline().split()]

    agent.kill()
    agent.wait()
    agent.stdout.close()

    assert len(slots) == 2
    assert psutil.wait_procs(slots, timeout=20)[1] == []
