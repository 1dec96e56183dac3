"""RQ: one pipeline submits many jobs, and each result is awaited by a blocking read."""

from collections.abc import Callable, Sequence
from typing import Any

from redis import Redis
from rq import Queue
from rq.job import Job
from rq.results import Result

from bench.peers.place import RESULT_TTL_SECONDS, redis_url
from bench.plain import WORK
from bench.timing import PATIENCE_SECONDS

QUEUE = "bench"


class Client:
    """A program that uses RQ."""

    def __init__(self) -> None:
        # Waiting for a result blocks for longer than a usual socket timeout.
        self._queue = Queue(QUEUE, connection=Redis.from_url(redis_url(), socket_timeout=None))

    def map(self, work: str, items: Sequence[Any]) -> list[Any]:
        """See `bench.timing.Client`."""
        wishes = [
            Queue.prepare_data(WORK[work], (item,), result_ttl=RESULT_TTL_SECONDS) for item in items
        ]
        return [_result_of(job) for job in self._queue.enqueue_many(wishes)]

    def submit(self, work: str, item: Any) -> Callable[[], Any]:
        """See `bench.timing.Client`."""
        job = self._queue.enqueue(WORK[work], item, result_ttl=RESULT_TTL_SECONDS)
        return lambda: _result_of(job)


def _result_of(job: Job) -> Any:
    result = job.latest_result(timeout=PATIENCE_SECONDS)
    if result is None or result.type is not Result.Type.SUCCESSFUL:
        said = ((result.exc_string if result else "") or "no result").strip()
        raise RuntimeError(f"{job.func_name}: {said.splitlines()[-1]}")
    return result.return_value
