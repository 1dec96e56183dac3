"""What workers cost that have nothing to do."""

import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

import psutil

from bench.families import family
from hive_site.kernel.errors import HiveError

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
    """What each of these workers costs: its process and all children of it, summed.

    Raises `HiveError` if one of them has ended.
    """
    before, begun = [_spent(family([pid])) for pid in pids], time.monotonic()
    time.sleep(seconds)
    lasted = time.monotonic() - begun
    costs = [_cost(each, lasted) for each in before]
    ended = [pid for pid in pids if not psutil.pid_exists(pid)]
    if ended:
        raise HiveError(f"a worker ended while it had nothing to do: process {ended[0]}")
    return costs


def watch_idle(pids: Sequence[int], *, seconds: float) -> dict[str, float]:
    """The highest of each that any of these workers costs. Raises `HiveError` if one has ended."""
    costs = watch_each(pids, seconds=seconds)
    return {name: max(getattr(cost, name) for cost in costs) for name in ("cpu", "memory", "pss")}


def _cost(before: Mapping[psutil.Process, float], lasted: float) -> Cost:
    """What the processes cost that were there at the beginning, and still are."""
    cpu = resident = proportional = 0.0
    for process, spent in _spent(before).items():
        with suppress(psutil.NoSuchProcess):
            full = process.memory_full_info()
            cpu += spent - before[process]
            resident += full.rss / MEGABYTE
            proportional += getattr(full, "pss", full.rss) / MEGABYTE
    return Cost(100 * cpu / lasted if lasted else 0.0, resident, proportional)


def _spent(processes: Iterable[psutil.Process]) -> dict[psutil.Process, float]:
    """The CPU seconds of those that still run: any may end while they are looked at."""
    found = {}
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            found[process] = times.user + times.system
    return found
