"""What a side of the race is. Every side runs the same work through its own public Python API."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from bench.plain import is_result
from bench.timing import Trip
from hive_site.kernel.errors import HiveError


class Incomplete(HiveError):
    """Not everything that was submitted came back as a success."""


@dataclass(frozen=True, slots=True)
class Setting:
    """How the Hive is set up for some workloads; peers have only the usual one."""

    spores: int = 5
    slots_each: int = 1
    #: How much work a bundle aims at; 0 sends every item alone, None is what the Hive does.
    bundle_seconds: float | None = None

    @property
    def slots(self) -> int:
        """Of all nodes together."""
        return self.spores * self.slots_each


USUAL = Setting()


class Contender(Protocol):
    """One side. `workers` are the pids of its workers while its turn lasts."""

    name: str
    title: str
    workers: list[int]

    def turn(self, setting: Setting) -> AbstractContextManager[None]:
        """Its processes run and are warm meanwhile, and are gone afterwards.

        Raises `HiveError` if they do not come up.
        """

    def takes(self, workload: str) -> bool:
        """Whether it is there for that workload."""

    def run_all(self, work: str, items: Sequence[Any]) -> float:
        """Seconds from the submission of all items to all results in order.

        Raises `Incomplete`.
        """

    def run_trips(self, work: str, items: Sequence[Any]) -> list[Trip]:
        """One item after the other. Raises `Incomplete`."""

    def cpu_seconds(self) -> float:
        """CPU that all its processes have used: workers, client, broker, and who directs them."""


def require_results(name: str, work: str, items: Sequence[Any], results: Sequence[Any]) -> None:
    """Nothing if each item has its own result. Raises `Incomplete`."""
    if len(results) != len(items):
        raise Incomplete(f"{work} on {name}: {len(results)} results of {len(items)} items")
    for index, (item, result) in enumerate(zip(items, results, strict=True)):
        if not is_result(work, item, result):
            raise Incomplete(f"{work} on {name}: item {index} has the result {str(result)[:80]!r}")
