"""Dask: many items as one `map`, gathered together. It needs no Redis, and keeps nothing."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from distributed import Client as Cluster

from bench.peers.place import folder
from bench.plain import WORK
from bench.timing import PATIENCE_SECONDS

#: Where the scheduler says that it listens; the name stands in the command lines of the roster.
SCHEDULER_FILE = "scheduler.json"


class Client:
    """A program that uses Dask."""

    def __init__(self) -> None:
        self._cluster = Cluster(scheduler_file=str(Path(folder()) / SCHEDULER_FILE))

    def map(self, work: str, items: Sequence[Any]) -> list[Any]:
        """See `bench.timing.Client`."""
        # Impure: otherwise equal items are one item.
        return list(self._cluster.gather(self._cluster.map(WORK[work], items, pure=False)))

    def submit(self, work: str, item: Any) -> Callable[[], Any]:
        """See `bench.timing.Client`."""
        future = self._cluster.submit(WORK[work], item, pure=False)
        return lambda: future.result(timeout=PATIENCE_SECONDS)
