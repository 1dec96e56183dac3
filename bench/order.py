"""Who goes first on a busy cluster: an urgent item, and a small job beside a huge one."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from statistics import median
from typing import Any

from bench.contenders import Contender, Incomplete
from bench.figures import milliseconds
from bench.tasks import PREFIX
from bench.timing import PATIENCE_SECONDS

HUGE_ITEMS, SMALL_ITEMS = 100_000, 10
HUGE_SECONDS = 0.01
SMALL = {"sleep_200ms": 0.2, "sleep_50ms": 0.05}
LOOK_EVERY_SECONDS = 0.05


def measure_urgent(contender: Contender, items: int) -> dict[str, float]:
    """From the submission of one item with priority 10 until it starts, behind 100,000 others."""

    def one() -> float:
        begun = time.time()
        return float(_run("clock", [None], priority=10)[0]) - begun

    with crowd():
        return milliseconds([one() for _ in range(items)])


def measure_company(contender: Contender, items: int) -> dict[str, float]:
    """How many times longer a small job takes beside a huge one of equal priority than alone.

    It waits for what lies on the nodes already, which is 100 ms of work at most; the shorter it
    is, the more that weighs.
    """

    def one(work: str) -> float:
        begun = time.perf_counter()
        _run(work, [SMALL[work]] * SMALL_ITEMS)
        return time.perf_counter() - begun

    alone = {work: median(one(work) for _ in range(items)) for work in SMALL}
    with crowd():
        beside = {work: median(one(work) for _ in range(items)) for work in SMALL}
    return {work: beside[work] / alone[work] for work in SMALL}


@contextmanager
def crowd() -> Iterator[None]:
    """100,000 short items wait or run meanwhile."""
    from jobs import hive
    from jobs.waiting import wait_for_jobs

    job = hive.submit(f"{PREFIX}sleep_10ms", [HUGE_SECONDS] * HUGE_ITEMS).pk
    try:
        while not hive.get_task_status(job)["progress"]["succeeded"]:
            time.sleep(LOOK_EVERY_SECONDS)
        yield
        waiting = hive.get_task_status(job)["progress"]["waiting"]
        if not waiting:
            raise Incomplete("the 100,000 items were done too soon to be in the way")
    finally:
        hive.cancel(job)
        wait_for_jobs([job], timeout=PATIENCE_SECONDS)


def _run(work: str, items: Sequence[Any], **options: Any) -> list[Any]:
    """The results of a job. Raises `Incomplete`."""
    from jobs import hive

    outcome = hive.map_reduce(PREFIX + work, items, wait_timeout=PATIENCE_SECONDS, **options)
    if outcome.summary["completed"] != len(items):
        raise Incomplete(f"{PREFIX}{work} on the Hive: {outcome.summary}")
    return [result["result"] for result in outcome.results]
