"""What workers cost that have nothing to do."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import psutil

MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU in per cent of one core, memory in MB.

    In `memory`, pages that several processes share count in each; `pss` splits them among those
    who share them, where the system can tell (Linux).
    """

    cpu: float
    memory: float
    pss: float


def watch_each(pids: Sequence[int], *, seconds: float) -> list[Cost]:
    """What each of these workers costs: its process and all children of it, summed."""
    families = [_family(pid) for pid in pids]
    before, begun = [_cpu_seconds(family) for family in families], time.monotonic()
    time.sleep(seconds)
    lasted = time.monotonic() - begun
    spent = [_cpu_seconds(family) - b for family, b in zip(families, before, strict=True)]
    return [
        Cost(100 * cpu / lasted if lasted else 0.0, _resident(family), _proportional(family))
        for family, cpu in zip(families, spent, strict=True)
    ]


def watch_idle(pids: Sequence[int], *, seconds: float) -> dict[str, float]:
    """The highest of each that any of these workers costs."""
    costs = watch_each(pids, seconds=seconds)
    return {name: max(getattr(cost, name) for cost in costs) for name in ("cpu", "memory", "pss")}


def _family(pid: int) -> list[psutil.Process]:
    parent = psutil.Process(pid)
    return [parent, *parent.children(recursive=True)]


def _cpu_seconds(family: list[psutil.Process]) -> float:
    times = [process.cpu_times() for process in family]
    return float(sum(t.user + t.system for t in times))


def _resident(family: list[psutil.Process]) -> float:
    return sum(process.memory_info().rss for process in family) / MEGABYTE


def _proportional(family: list[psutil.Process]) -> float:
    full = [process.memory_full_info() for process in family]
    return sum(getattr(one, "pss", one.rss) for one in full) / MEGABYTE
