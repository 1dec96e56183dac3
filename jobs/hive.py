"""The Hive from Python, on the Nexus: `from jobs import hive` (CONTRACT §5).

Every function has a twin for async code, named with an `a` in front.
"""

import threading
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from asgiref.sync import sync_to_async
from django.db import close_old_connections, transaction

from jobs import selectors, services
from jobs.domain.states import SubtaskState
from jobs.models import Job
from jobs.validation import pack_wish
from jobs.waiting import check_may_wait, given_up, wait_for_jobs

#: Threads for async code. Those that wait are apart, so that nobody else waits for them.
_threads = ThreadPoolExecutor(max_workers=16, thread_name_prefix="hive")
_waiting_threads = ThreadPoolExecutor(max_workers=256, thread_name_prefix="hive-wait")
P, R = ParamSpec("P"), TypeVar("R")
ENDED = {SubtaskState.SUCCEEDED, SubtaskState.FAILED, SubtaskState.QUARANTINED}


@dataclass(frozen=True, slots=True)
class MapResult:
    """What came of a map: `results` in item order, `reduced` if there was a reduction.

    `summary` has total, completed, failed, pending, and success_rate from 0 to 1.
    """

    summary: dict[str, Any]
    results: list[dict[str, Any]]
    reduced: Any = None


def submit(task: str, items: Sequence[Any] | None = None, **options: Any) -> Job:
    """Submit a job with the options of CONTRACT §6. Raises `Invalid` with the field's name.

    Of a task with `codec="pickle"`, items and keywords may be any objects that have a pickle.
    """
    wish = options if items is None else {**options, "items": items}
    return services.submit_job(task=task, may_pickle=True, **pack_wish(task, wish))


def workflow(jobs: Mapping[str, Any]) -> dict[str, Job]:
    """Submit jobs by name that wait for each other (`after`), all or none; parents come first.

    Raises `Invalid` with the field's name.
    """
    return {job.name: job for job in services.submit_workflow(jobs)}


def map_reduce(
    task: str,
    items: Sequence[Any],
    *,
    reduce: str | None = None,
    queue: str = "background",
    priority: int = 5,
    wait_timeout: float = 300,
    **options: Any,
) -> MapResult:
    """Run a task for every item and wait; at the timeout, what is there, the rest pending.

    Raises `Conflict` in a transaction, unless `wait_timeout` is 0.
    """
    check_may_wait(wait_timeout)
    job = submit(task, items, reduce=reduce, queue=queue, priority=priority, **options)
    wait_for_jobs([job.pk], timeout=wait_timeout)
    rows = list(selectors.result_views(job.pk))
    reduced = selectors.job_view(job.pk)["result"] if reduce else None
    return MapResult(_summarise(rows), rows, reduced)


def parallel_execute(
    calls: Sequence[tuple[str, Any]],
    *,
    queue: str = "high_priority",
    wait_timeout: float = 600,
    **options: Any,
) -> MapResult:
    """Run each (task, item) and wait; the results in the order of the calls.

    Raises `Conflict` in a transaction, unless `wait_timeout` is 0.
    """
    check_may_wait(wait_timeout)
    places: dict[str, list[int]] = {}
    for place, (task, _) in enumerate(calls):
        places.setdefault(task, []).append(place)
    with transaction.atomic():  # all of them or none
        jobs = {
            task: submit(task, [calls[place][1] for place in mine], queue=queue, **options).pk
            for task, mine in places.items()
        }
    wait_for_jobs(list(jobs.values()), timeout=wait_timeout)
    rows: list[dict[str, Any]] = [{}] * len(calls)
    for task, mine in places.items():
        for place, row in zip(mine, selectors.result_views(jobs[task]), strict=True):
            rows[place] = {**row, "index": place}
    return MapResult(_summarise(rows), rows)


def get_task_status(job_id: str) -> dict[str, Any]:
    """The job as the REST API shows it. Raises `NotFound`."""
    return selectors.job_view(job_id)


def cancel(job_id: str) -> Job:
    """Stop a job that has not ended. Raises `NotFound`, or `Conflict` if it has."""
    return services.cancel_job(job_id=job_id)


def _summarise(rows: list[dict[str, Any]]) -> dict[str, Any]:
    states = [row["state"] for row in rows]
    completed = states.count(SubtaskState.SUCCEEDED)
    failed = sum(state in ENDED | {SubtaskState.CANCELLED} for state in states) - completed
    return {
        "total": len(rows),
        "completed": completed,
        "failed": failed,
        "pending": len(rows) - completed - failed,
        "success_rate": completed / len(rows) if rows else 1.0,
    }


def _twin(
    verb: Callable[P, R], threads: ThreadPoolExecutor = _threads
) -> Callable[P, Coroutine[Any, Any, R]]:
    """The verb for async code. It has a thread of its own: all other work of the process that
    Django keeps on one thread would stand still as long as it waits."""

    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return verb(*args, **kwargs)
        finally:
            close_old_connections()

    run_in_thread = sync_to_async(run, thread_sensitive=False, executor=threads)

    @wraps(verb)
    async def twin(*args: P.args, **kwargs: P.kwargs) -> R:
        gone = threading.Event()
        token = given_up.set(gone)
        try:
            return await run_in_thread(*args, **kwargs)
        finally:
            gone.set()  # if it was cancelled, its thread waits for nobody
            given_up.reset(token)

    return twin


amap_reduce = _twin(map_reduce, _waiting_threads)
aparallel_execute = _twin(parallel_execute, _waiting_threads)
aget_task_status = _twin(get_task_status)
asubmit = _twin(submit)
aworkflow = _twin(workflow)
acancel = _twin(cancel)
