"""What a Foreman says of itself over a stretch of time, and what its process takes."""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import psutil
from redis import Redis

from bench.contenders import Incomplete
from nodes import wire

MEGABYTE = 1_000_000
#: A picture that is older says that the Foreman is gone, or far behind.
STALE_SECONDS = 30.0


@dataclass(slots=True)
class Stretch:
    """What was seen from its first look to its last."""

    pictures: list[dict[str, Any]] = field(default_factory=list)
    cpu_seconds: list[float] = field(default_factory=list)
    rss: list[int] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        """How long it lasted, by the Foreman's clock."""
        return float(self.pictures[-1]["at"] - self.pictures[0]["at"])

    def describe(self) -> dict[str, float]:
        """Quantiles of the loop's steps in milliseconds, CPU in per cent of a core, MB of RSS."""
        first, last = self.pictures[0]["loop"], self.pictures[-1]["loop"]
        steps = last["count"] - first["count"]
        before = dict(map(tuple, first["buckets"]))
        grown = [(end, count - before[end]) for end, count in last["buckets"]]
        return {
            "loop_p50": 1000 * estimate(grown, steps, 0.5),
            "loop_p99": 1000 * estimate(grown, steps, 0.99),
            "loop_max": 1000 * estimate(grown, steps, 1.0),
            "loop_busy": 100 * (last["sum"] - first["sum"]) / self.seconds,
            "steps": steps / self.seconds,
            "cpu": 100 * (self.cpu_seconds[-1] - self.cpu_seconds[0]) / self.seconds,
            "rss": max(self.rss) / MEGABYTE,
        }


def estimate(buckets: Sequence[tuple[float, int]], count: int, share: float) -> float:
    """The quantile of `count` values, of which each bucket says how many do not exceed its end.

    Within a bucket it is interpolated, as Prometheus's `histogram_quantile` does; beyond the last
    one it is that one's end.
    """
    rank = share * count
    for (low, below), (end, within) in pairwise([(0.0, 0), *buckets]):
        if within >= rank and within > below:
            return low + (end - low) * max(rank - below, 0.0) / (within - below)
    return buckets[-1][0]


class Observer:
    """Looks at one Foreman."""

    def __init__(self, redis: Redis, pid: int) -> None:
        self._redis, self._process = redis, psutil.Process(pid)

    def look(self) -> dict[str, Any]:
        """The newest picture. Raises `Incomplete` if there has been none for long."""
        text = self._redis.get(wire.SNAPSHOT)
        picture = json.loads(text) if text else {}
        if not picture or time.time() - picture["at"] > STALE_SECONDS:
            raise Incomplete("the Foreman draws no pictures")
        return dict(picture)

    def note(self, stretch: Stretch) -> dict[str, Any]:
        """Add a look to a stretch, if there is a new picture; the newest one."""
        picture = self.look()
        if not stretch.pictures or picture["number"] != stretch.pictures[-1]["number"]:
            times = self._process.cpu_times()
            # The pictures of nodes would fill the memory, and nobody reads them.
            stretch.pictures.append({**picture, "nodes": []})
            stretch.cpu_seconds.append(times.user + times.system)
            stretch.rss.append(self._process.memory_info().rss)
        return picture
