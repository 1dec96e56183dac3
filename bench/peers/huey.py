"""Huey: tasks one by one (it has nothing for many), results by its notification of each."""

from collections.abc import Callable, Sequence
from typing import Any

from huey import RedisHuey

from bench.peers.place import redis_url
from bench.plain import WORK
from bench.timing import PATIENCE_SECONDS

# `notify_result` is its fastest way to wait: without it, it looks again and again.
queue = RedisHuey("bench", url=redis_url(), store_none=True, notify_result=True)
TASKS = {name: queue.task(name=name)(run) for name, run in WORK.items()}


class Client:
    """A program that uses Huey."""

    def map(self, work: str, items: Sequence[Any]) -> list[Any]:
        """See `bench.timing.Client`."""
        task = TASKS[work]
        return [_result_of(result) for result in [task(item) for item in items]]

    def submit(self, work: str, item: Any) -> Callable[[], Any]:
        """See `bench.timing.Client`."""
        result = TASKS[work](item)
        return lambda: _result_of(result)


def _result_of(result: Any) -> Any:
    return result(blocking=True, timeout=PATIENCE_SECONDS)
