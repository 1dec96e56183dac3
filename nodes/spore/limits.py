"""What a Spore may use of its machine, and when it wants no more work."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from nodes.spore.sensors import rss_mb


@dataclass(frozen=True, slots=True)
class Limits:
    """`slot_memory_mb` 0 sets no limit. `home` is where the Spore keeps its files."""

    home: Path
    slot_memory_mb: int = 0
    least_disk_mb: int = 0

    def excess(self, pid: int) -> str:
        """How much more memory than allowed a slot holds, for people; empty if it does not."""
        held = rss_mb(pid) if self.slot_memory_mb else 0
        if held <= self.slot_memory_mb:
            return ""
        return f"SIGKILL: it held {held} MB, {self.slot_memory_mb} are allowed"

    def trouble(self) -> str:
        """Why the node wants no new work; empty if it does."""
        there = next(place for place in (self.home, *self.home.parents) if place.exists())
        free = shutil.disk_usage(there).free // 2**20
        if free >= self.least_disk_mb:
            return ""
        return f"its disk is full: {free} MB free, {self.least_disk_mb} are needed"
