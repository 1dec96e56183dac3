"""What this process may take of its machine, where a container or a unit of systemd limits it.

Version 2 of control groups, https://docs.kernel.org/admin-guide/cgroup-v2.html; of the older
one, and of systems without any, nothing is told.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

ROOT, OWN = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")
#: What stands for no limit.
NONE = "max"
MICROSECONDS = 1_000_000


@dataclass(frozen=True, slots=True)
class Allowance:
    """Memory in bytes: all that there may be, and what is left of it."""

    total: int
    free: int


class ControlGroups:
    """The group of this process and those around it. Limits count that were there at the start."""

    def __init__(
        self, root: Path = ROOT, own: Path = OWN, clock: Callable[[], float] = time.monotonic
    ) -> None:
        groups = find_groups(root, own)
        self._clock = clock
        self._with_memory = [each for each in groups if read_memory(each)]
        self._with_cpu = {each: cores for each in groups if (cores := read_cores(each))}
        self._used = self._read_used()

    def memory(self) -> Allowance | None:
        """What the tightest of them leaves; None if none limits it."""
        found = [told for each in self._with_memory if (told := read_memory(each))]
        if not found:
            return None
        return Allowance(min(each.total for each in found), min(each.free for each in found))

    def cpu(self) -> float | None:
        """The share of their cores that was used since the last call, of the fullest; 0 to 1.
        None if none limits them."""
        before, self._used = self._used, self._read_used()
        shares = [
            (used - before[each][0]) / ((at - before[each][1]) * self._with_cpu[each])
            for each, (used, at) in self._used.items()
            if each in before and at > before[each][1]
        ]
        return min(max(*shares, 0.0), 1.0) if shares else None

    def _read_used(self) -> dict[Path, tuple[float, float]]:
        """The seconds of CPU that each took so far, and when that was."""
        found = {}
        for each in self._with_cpu:
            with suppress(OSError, KeyError, ValueError):
                microseconds = _read_table(each / "cpu.stat")["usage_usec"]
                found[each] = microseconds / MICROSECONDS, self._clock()
        return found


def find_groups(root: Path, own: Path) -> list[Path]:
    """The directories of the group that a process is in, and of all around it."""
    try:
        lines = own.read_text().splitlines()
    except OSError:
        return []
    path = next((line[3:] for line in lines if line.startswith("0::/")), None)
    if path is None or not (root / "cgroup.controllers").exists():
        return []
    place = root / path.strip("/")
    # A container may be told its host's path: its own group is the root of what it sees.
    if ".." in place.parts or not place.is_dir():
        return [root]
    return [place, *(each for each in place.parents if each.is_relative_to(root))]


def read_memory(group: Path) -> Allowance | None:
    """What a group may hold and what is left; None if that is not limited.

    What it keeps of files that nobody used lately is given back as soon as somebody wants it.
    """
    try:
        limit = (group / "memory.max").read_text().strip()
        if limit == NONE:
            return None
        held = int((group / "memory.current").read_text())
        idle = _read_table(group / "memory.stat").get("inactive_file", 0)
        return Allowance(int(limit), max(int(limit) - max(held - idle, 0), 0))
    except (OSError, ValueError):
        return None


def read_cores(group: Path) -> float | None:
    """How many cores a group may keep busy; None if that is not limited."""
    try:
        quota, period = (group / "cpu.max").read_text().split()
        return None if quota == NONE else int(quota) / int(period)
    except (OSError, ValueError, ZeroDivisionError):
        return None


def _read_table(path: Path) -> dict[str, int]:
    """Lines of a name and a number."""
    pairs = (line.split() for line in path.read_text().splitlines())
    return {name: int(number) for name, number in pairs}
