"""How long a client takes. Standard library only: this runs in the environments of all peers."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

#: Longer than any workload takes, so that what never ends is told from what is slow.
PATIENCE_SECONDS = 300


class Client(Protocol):
    """How a program uses a queue. Both raise an exception if anything fails."""

    def map(self, work: str, items: Sequence[Any]) -> list[Any]:
        """The results of all items, in order: the fastest way that the queue has for many."""

    def submit(self, work: str, item: Any) -> Callable[[], Any]:
        """Submit one item; what is returned waits for its result."""


@dataclass(frozen=True, slots=True)
class Trip:
    """One item from its submission to its result in hand."""

    #: Unix seconds of this machine.
    begun: float
    #: Seconds until it was submitted, and until its result was there.
    accepted: float
    took: float
    result: Any


def time_map(client: Client, work: str, items: Sequence[Any]) -> tuple[float, list[Any]]:
    """Seconds from the submission to the last result in hand, and the results in order."""
    begun = time.perf_counter()
    results = client.map(work, items)
    return time.perf_counter() - begun, results


def time_trips(client: Client, work: str, items: Sequence[Any]) -> list[Trip]:
    """One item after the other, each awaited before the next."""
    return [_time_trip(client, work, item) for item in items]


def _time_trip(client: Client, work: str, item: Any) -> Trip:
    clock, begun = time.time(), time.perf_counter()
    wait = client.submit(work, item)
    accepted = time.perf_counter() - begun
    result = wait()
    return Trip(clock, accepted, time.perf_counter() - begun, result)
