"""Processes with all below them: what they have used of the CPU, and their end."""

import contextlib
from collections.abc import Iterable

import psutil


def spent(pids: Iterable[int]) -> float:
    """CPU seconds of these processes and all below them, those that have ended included."""
    total = 0.0
    for process in family(pids):
        # A child that ends just now counts with its parent, from now on.
        with contextlib.suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            total += times.user + times.system + times.children_user + times.children_system
    return total


def family(pids: Iterable[int]) -> list[psutil.Process]:
    """These processes and all below them, as far as they run."""
    found = []
    for pid in pids:
        with contextlib.suppress(psutil.NoSuchProcess):
            parent = psutil.Process(pid)
            found += [parent, *parent.children(recursive=True)]
    return found


def end(processes: Iterable[psutil.Process]) -> None:
    """Kill those of them that still run; not who has got the number of one that ended."""
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
