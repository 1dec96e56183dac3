"""What workers cost that have nothing to do."""

import time
from collections.abc import Sequence

import psutil

MEGABYTE = 1_000_000


def watch_idle(pids: Sequence[int], *, seconds: float) -> dict[str, float]:
    """CPU (per cent of one core) and resident memory (MB) of the costliest of these workers.

    A worker is its process and all children of it, summed; pages that they share count in each.
    `pss` splits shared pages among those who share them, where the system can tell (Linux).
    """
    families = [_family(pid) for pid in pids]
    before, begun = [_cpu_seconds(family) for family in families], time.monotonic()
    time.sleep(seconds)
    lasted = time.monotonic() - begun
    spent = [_cpu_seconds(family) - b for family, b in zip(families, before, strict=True)]
    return {
        "cpu": 100 * max(spent) / lasted,
        "memory": max(_resident(family) for family in families) / MEGABYTE,
        "pss": max(_proportional(family) for family in families) / MEGABYTE,
    }


def _family(pid: int) -> list[psutil.Process]:
    parent = psutil.Process(pid)
    return [parent, *parent.children(recursive=True)]


def _cpu_seconds(family: list[psutil.Process]) -> float:
    times = [process.cpu_times() for process in family]
    return float(sum(t.user + t.system for t in times))


def _resident(family: list[psutil.Process]) -> int:
    return sum(process.memory_info().rss for process in family)


def _proportional(family: list[psutil.Process]) -> int:
    full = [process.memory_full_info() for process in family]
    return sum(getattr(one, "pss", one.rss) for one in full)
