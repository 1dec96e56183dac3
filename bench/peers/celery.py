"""Celery: items one by one (it has nothing for many); `app` is what its workers run."""

from collections.abc import Callable, Sequence
from typing import Any

from celery import Celery

from bench.peers.place import RESULT_TTL_SECONDS, redis_url
from bench.plain import WORK
from bench.timing import PATIENCE_SECONDS

app = Celery("bench", broker=redis_url(), backend=redis_url())
app.conf.result_expires = RESULT_TTL_SECONDS
TASKS = {name: app.task(name=name)(run) for name, run in WORK.items()}


class Client:
    """A program that uses Celery."""

    def map(self, work: str, items: Sequence[Any]) -> list[Any]:
        """See `bench.timing.Client`."""
        # On one connection, and each awaited by itself: twice as fast as a group and its `join`.
        with app.producer_pool.acquire(block=True) as producer:
            results = [TASKS[work].apply_async((item,), producer=producer) for item in items]
        return [result.get(timeout=PATIENCE_SECONDS) for result in results]

    def submit(self, work: str, item: Any) -> Callable[[], Any]:
        """See `bench.timing.Client`."""
        result = TASKS[work].delay(item)
        return lambda: result.get(timeout=PATIENCE_SECONDS)
