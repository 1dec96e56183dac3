"""Runs other programs within a time, and lets none of them outlive this process."""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from ota.spore.failures import Failed

#: prctl(2): the signal that a process gets when its parent is gone.
PR_SET_PDEATHSIG = 1
LONGEST_REASON = 1500
_groups: set[int] = set()


def run(
    arguments: Sequence[str | Path], *, env: Mapping[str, str], seconds: float, log: Path
) -> None:
    """Run a program to its end; what it says goes into `log`.

    Raises `Failed` with code "deps" and its last words if it fails or is not done in time, with
    everything that it started killed; `OSError` if it does not start at all.
    """
    name = Path(arguments[0]).name
    with log.open("wb") as words:
        child = subprocess.Popen(
            [str(part) for part in arguments],
            stdin=subprocess.DEVNULL,
            stdout=words,
            stderr=subprocess.STDOUT,
            env=dict(env),
            start_new_session=True,
            preexec_fn=die_with_parent,  # noqa: PLW1509 (this process has one thread)
        )
    _groups.add(child.pid)
    try:
        code = child.wait(max(seconds, 0))
    except subprocess.TimeoutExpired:
        raise Failed("deps", f"{name} was not done after {seconds:.0f} s") from None
    finally:
        _kill(child.pid)
        child.wait()
        _groups.discard(child.pid)
    if code:
        told = log.read_bytes()[-LONGEST_REASON:].decode(errors="replace").strip()
        raise Failed("deps", f"{name} ended with {code}: {told}")


def end_all() -> None:
    """Kill whatever `run` runs. Safe in a signal handler."""
    for group in tuple(_groups):
        _kill(group)


def _kill(group: int) -> None:
    try:
        os.killpg(group, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def die_with_parent() -> None:
    """Let the kernel kill this process as soon as whoever started it is gone."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
