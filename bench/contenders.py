"""The two sides: each runs the same work through its own public Python API."""

import pickle
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from redis import Redis
from rq import Queue
from rq.job import Job
from rq.results import Result

from bench.plain import WORK
from bench.tasks import PREFIX
from hive_site.kernel.errors import HiveError

#: Longer than any workload takes, so that what never ends is told from what is slow.
PATIENCE_SECONDS = 300
RESULT_TTL_SECONDS = 600


class Incomplete(HiveError):
    """Not everything that was submitted came back as a success."""


class Contender(Protocol):
    """One side. `workers` are the pids of its single-slot workers."""

    name: str
    workers: list[int]

    def run_all(self, work: str, items: Sequence[Any]) -> None:
        """Submit one job for all items and read all results. Raises `Incomplete`."""

    def submit(self, work: str, item: Any) -> Callable[[], Any]:
        """Submit one item; what is returned waits for its result. Raises `Incomplete`."""


class Hive:
    """This project. Django must be set up."""

    name = "hive"

    def __init__(self, workers: list[int]) -> None:
        self.workers = workers

    def run_all(self, work: str, items: Sequence[Any]) -> None:
        """See `Contender.run_all`."""
        from jobs import hive

        outcome = hive.map_reduce(PREFIX + work, items, wait_timeout=PATIENCE_SECONDS)
        if outcome.summary["completed"] != len(items):
            raise Incomplete(f"{PREFIX}{work} on the Hive: {outcome.summary}")

    def submit(self, work: str, item: Any) -> Callable[[], Any]:
        """See `Contender.submit`."""
        from jobs import hive
        from jobs.waiting import wait_for_jobs

        job = hive.submit(PREFIX + work, [item]).pk

        def result() -> Any:
            wait_for_jobs([job], timeout=PATIENCE_SECONDS)
            status = hive.get_task_status(job)
            if status["state"] != "succeeded":
                raise Incomplete(f"{PREFIX}{work} on the Hive is {status['state']}")
            return status["result"]

        return result


class Pickle:
    """What RQ serialises with when nobody tells it otherwise; the Hive closes that door."""

    @staticmethod
    def dumps(value: Any) -> bytes:
        """The value, pickled."""
        return pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)

    @staticmethod
    def loads(data: bytes) -> Any:
        """The value of our own workers in our own Redis."""
        return pickle.loads(data)


class RqWorkers:
    """RQ as it comes: `rq worker`, which forks for every job."""

    name = "rq"

    def __init__(self, workers: list[int], connection: Redis, queue: str) -> None:
        self.workers = workers
        self._queue = Queue(queue, connection=connection, serializer=Pickle)

    def run_all(self, work: str, items: Sequence[Any]) -> None:
        """See `Contender.run_all`."""
        wishes = [
            Queue.prepare_data(WORK[work], (item,), result_ttl=RESULT_TTL_SECONDS) for item in items
        ]
        for job in self._queue.enqueue_many(wishes):
            _result_of(job)

    def submit(self, work: str, item: Any) -> Callable[[], Any]:
        """See `Contender.submit`."""
        job = self._queue.enqueue(WORK[work], item, result_ttl=RESULT_TTL_SECONDS)
        return lambda: _result_of(job)


def _result_of(job: Job) -> Any:
    result = job.latest_result(timeout=PATIENCE_SECONDS)
    if result is None or result.type is not Result.Type.SUCCESSFUL:
        raise Incomplete(f"{job.func_name} on RQ: {_last_line(result)}")
    return result.return_value


def _last_line(result: Result | None) -> str:
    said = ((result.exc_string if result else "") or "no result").strip()
    return said.splitlines()[-1]
