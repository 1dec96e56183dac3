"""Celery's `chunks`: 100 items are one task, and none of them can be followed or retried alone."""

from collections.abc import Sequence
from typing import Any

from bench.peers.celery import TASKS
from bench.peers.celery import Client as CeleryClient
from bench.timing import PATIENCE_SECONDS

ITEMS_PER_CHUNK = 100


class Client(CeleryClient):
    """A program that uses Celery for many items at once."""

    def map(self, work: str, items: Sequence[Any]) -> list[Any]:
        """See `bench.timing.Client`."""
        if len(items) <= ITEMS_PER_CHUNK:
            return super().map(work, items)
        chunks = TASKS[work].chunks([(item,) for item in items], ITEMS_PER_CHUNK).group()
        results = chunks.apply_async().results
        return [item for chunk in results for item in chunk.get(timeout=PATIENCE_SECONDS)]
