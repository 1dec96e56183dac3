"""Slots as child processes of the agent: forked, told to stop, killed, reaped."""

import ctypes
import os
import signal
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import structlog

from hive_site.kernel.last_words import say_last_words
from nodes.spore.board import Board, Cell, Work
from nodes.spore.identity import Identity

log = structlog.get_logger()
PR_SET_PDEATHSIG = 1
OOM_SCORE = "700"
SOFT_STOP = signal.SIGUSR1
#: What runs in the forked process: serves bundles until the board says stop.
SlotMain = Callable[[Identity, Board, int], None]


@dataclass(frozen=True, slots=True)
class Ended:
    """A slot process that is no more, with what it was doing. `how` is fit for people."""

    index: int
    work: Work
    how: str
    clean: bool


class SlotProcess:
    """One living slot."""

    def __init__(self, index: int, pid: int, cell: Cell) -> None:
        self.index, self.pid, self.cell = index, pid, cell

    def interrupt(self, attempt: int, what: int) -> None:
        """Ask the task to end: an exception in it, unless it swallows everything."""
        self.cell.order(attempt, what)
        os.kill(self.pid, SOFT_STOP)

    def kill(self) -> None:
        """End the process now, with all that its task started. It is our own unreaped child, so
        the pid cannot be another's."""
        os.kill(self.pid, signal.SIGKILL)
        _end_group(self.pid)

    def reap(self) -> Ended | None:
        """How it ended, or None while it lives."""
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        if not pid:
            return None
        # What a task started and left behind. The number was free for no time that counts.
        _end_group(pid)
        code = os.waitstatus_to_exitcode(status)
        work = self.cell.read()
        return Ended(self.index, work, _tell(code), clean=code == 0 and not work.busy)


def _tell(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"signal {signal.Signals(-code).name}"
    except ValueError:  # most real-time signals have numbers only
        return f"signal {-code}"


def start_slot(main: SlotMain, identity: Identity, board: Board, index: int) -> SlotProcess:
    """Fork a slot that dies with the agent. The agent must have no threads of its own."""
    board[index].clear()
    parent = os.getpid()
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid:
        _lead_group(pid)  # the child does it too: whoever comes second changes nothing
        return SlotProcess(index, pid, board[index])
    try:
        _lead_group(0)
        _die_with(parent)
        main(identity, board, index)
        code = 0
    except BaseException as error:
        log.exception("slot.broke", slot=index)
        if not board.gate.is_open:
            # The agent tells why this code is unfit.
            board[index].output.write(traceback.format_exception_only(error)[-1].strip())
        code = 1
    say_last_words()
    sys.stderr.flush()
    os._exit(code)


def _offer_to_oom_killer() -> None:
    """When memory runs out, a slot is to go, not the agent that can tell of it (proc(5))."""
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(OOM_SCORE)


def _lead_group(pid: int) -> None:
    """Give a slot a process group of its own, which its task's processes belong to as well.

    Only where slots die with their agent whatever group they are in.
    """
    if sys.platform == "linux":
        with suppress(OSError):
            os.setpgid(pid, 0)


def _end_group(pid: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def _die_with(parent: int) -> None:
    for signum in (signal.SIGINT, signal.SIGTERM):
        # The agent decides when slots stop. Not SIG_IGN, which programs started by tasks inherit.
        signal.signal(signum, lambda *_: None)
    if sys.platform == "linux":
        _offer_to_oom_killer()
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before we asked
        os._exit(1)
