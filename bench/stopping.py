"""How fast an order reaches every node: one running item on each, cancelled."""

import time

from bench.contenders import USUAL, Contender, Incomplete
from bench.figures import milliseconds
from bench.tasks import PREFIX
from bench.timing import PATIENCE_SECONDS

HELD_SECONDS = 120.0
LOOK_EVERY_SECONDS = 0.05
START_SECONDS = 30.0


def measure_cancel(contender: Contender, items: int) -> dict[str, float]:
    """From the order to stop until a running item on every node has ended and is recorded."""
    return milliseconds([stop_everywhere(USUAL.spores) for _ in range(items)])


def stop_everywhere(nodes: int) -> float:
    """Seconds from the cancellation of a job that runs on every node to its recorded end."""
    from jobs import hive
    from jobs.waiting import wait_for_jobs

    job = hive.submit(f"{PREFIX}hold", [HELD_SECONDS] * nodes).pk
    _wait_until_running(job, nodes)
    begun = time.perf_counter()
    hive.cancel(job)
    wait_for_jobs([job], timeout=PATIENCE_SECONDS)
    took = time.perf_counter() - begun
    state = hive.get_task_status(job)["state"]
    if state != "cancelled":
        raise Incomplete(f"the cancelled job is {state}")
    return took


def _wait_until_running(job: str, nodes: int) -> None:
    from jobs import hive

    give_up_at = time.monotonic() + START_SECONDS
    while hive.get_task_status(job)["progress"]["running"] < nodes:
        if time.monotonic() > give_up_at:
            hive.cancel(job)
            raise Incomplete(f"not all of {nodes} items run after {START_SECONDS:.0f} s")
        time.sleep(LOOK_EVERY_SECONDS)
