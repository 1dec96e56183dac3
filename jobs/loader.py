"""From rows to the leader's memory: orders of jobs, and ready subtasks in pages."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from django.conf import settings

from jobs.blobs import keep_list
from jobs.domain.backlog import Line, Order, Ready
from jobs.domain.cache import base_of, key_of
from jobs.domain.flight import Flight
from jobs.domain.references import is_reference
from jobs.domain.retry import Policy
from jobs.domain.states import JobState, Outcome, Role, SubtaskState
from jobs.models import Attempt, Job, Subtask
from jobs.result_cache import ResultCache
from nodes.domain.placement import Demand
from nodes.releases import Releases

PAGE = 2000
#: The window is filled again when it holds fewer than this.
LOW_WATER = 500
#: No page is read while so many wait for results of others.
MOST_ASIDE = 10_000
LOADABLE = (
    SubtaskState.WAITING,
    SubtaskState.RETRYING,
    SubtaskState.QUEUED,
    SubtaskState.RUNNING,
)
#: What may never run twice is not sent again once it may have been.
UNSENT = (SubtaskState.WAITING, SubtaskState.RETRYING)
COLUMNS = ("id", "index", "attempts", "item", "role", "state", "retry_at", "crashes")


def open_line(job: Job) -> Line:
    """The line of a job, its window still empty."""
    line = Line(order=read_order(job), since=_ready_since(job).timestamp())
    line.started = job.state == JobState.RUNNING
    line.held = job.state == JobState.PAUSED
    line.stopped = job.state == JobState.CANCELLING
    line.remaining = job.total - job.succeeded - job.failed - job.cancelled
    return line


def _ready_since(job: Job) -> datetime:
    """Since when something of the job could have been sent: age is what it waited since."""
    ready = job.ready_at or job.created_at
    return max(ready, job.not_before or ready)


def read_order(job: Job) -> Order:
    """What every subtask of the job has in common."""
    queues = settings.HIVE.queues
    # What must not run twice for one input may well have to run once for each.
    cache_for = job.cache_for if job.idempotent else 0.0
    return Order(
        job=job.pk,
        task=job.task,
        queue=job.queue,
        rank=queues.index(job.queue) if job.queue in queues else len(queues),
        priority=job.priority,
        total=job.total,
        timeout=job.timeout,
        kwargs=job.kwargs,
        reduce=job.reduce,
        policy=_read_policy(job),
        demand=read_demand(job.requires),
        submitter=job.submitted_by,
        idempotent=job.idempotent,
        alone=job.at_most_once or bool(job.requires.get("gpu")),
        fail_fast=job.on_error == "fail_fast",
        deadline=job.deadline,
        cache_for=cache_for,
        cache_base=_read_base(job) if cache_for else "",
        stop_token=f"{job.pk}.{job.rounds}",
    )


def _read_base(job: Job) -> str:
    return base_of(task=job.task, version=job.task_version, kwargs=job.kwargs)


def load_policy(job_id: str) -> Policy | None:
    """How a job's failures are taken; None if it is being cancelled or has ended."""
    job = Job.objects.open().exclude(state=JobState.CANCELLING).filter(pk=job_id).first()
    return _read_policy(job) if job else None


def _read_policy(job: Job) -> Policy:
    return Policy(job.retries, tuple(job.backoff), job.at_most_once)


def read_demand(requires: dict[str, Any]) -> Demand:
    """What a job requires of a node."""
    return Demand(
        gpu=requires.get("gpu", 0),
        gpu_memory_mb=requires.get("gpu_memory_mb", 0),
        memory_mb=requires.get("memory_mb", 0),
        labels=tuple(sorted(requires.get("labels", {}).items())),
        capabilities=frozenset(requires.get("capabilities", ())),
        avoid=frozenset(requires.get("avoid", ())),
        release=Releases(requires["release"]) if "release" in requires else None,
    )


def fill(line: Line, flight: Flight, cache: ResultCache | None = None) -> None:
    """Load the next page into the line's window, if it runs low and there is more.

    Of a job that asks for it, what is in the cache is known at once.
    """
    aside = len(line.known) + len(line.parked)
    if line.exhausted or len(line.ready) >= LOW_WATER or aside >= MOST_ASIDE:
        return
    states = UNSENT if line.order.once else LOADABLE
    page = Subtask.objects.filter(
        job_id=line.order.job, index__gt=line.cursor, state__in=states
    ).order_by("index")
    rows = list(page.values_list(*COLUMNS)[:PAGE])
    line.exhausted = len(rows) < PAGE
    if rows:
        line.cursor = rows[-1][1]
    crashed = find_crash_nodes([row[0] for row in rows if row[7]])
    take_in(line, rows, crashed, flight, cache)


def take_in(
    line: Line,
    rows: list[tuple],
    crashed: dict[int, frozenset[str]],
    flight: Flight,
    cache: ResultCache | None,
) -> None:
    """Put rows of `COLUMNS` into the line's window, but for what is in flight."""
    rows = [row for row in rows if not flight.holds(row[0])]
    keys = _keys_of(line.order, rows)
    results = cache.find(line.order, list(keys.values())) if cache and keys else {}
    for row in rows:
        key = keys.get(row[0], "")
        _enter(line, row, crashed, key, results.get(key))


def _keys_of(order: Order, rows: list[tuple]) -> dict[int, str]:
    """The names of these items' results in the cache, if their job uses it."""
    if not order.cache_for:
        return {}
    return {row[0]: key_of(order.cache_base, row[3]) for row in rows if row[4] == Role.MAP}


def _enter(
    line: Line, row: tuple, crashed: dict[int, frozenset[str]], key: str, result: str | None
) -> None:
    subtask, index, attempts, item, role, state, retry_at, _ = row
    reduce = role == Role.REDUCE
    avoid = crashed.get(subtask, frozenset())
    ready = Ready(subtask, index, attempts + 1, item, reduce, avoid, key=key)
    if reduce:
        ready = load_reduction(line.order.job) or ready
    if result is not None:
        line.known.append((ready, result))
    elif state == SubtaskState.RETRYING and retry_at:
        line.put_off(ready, retry_at.timestamp())
    else:
        line.ready.append(ready)


def load_reduction(job: str) -> Ready | None:
    """The reduction of a job, with the list of its results in item order, if it is open."""
    row = Subtask.objects.filter(job_id=job, role=Role.REDUCE, state__in=LOADABLE).first()
    if row is None:
        return None
    results = (
        Subtask.objects.filter(job_id=job, role=Role.MAP, state=SubtaskState.SUCCEEDED)
        .order_by("index")
        .values_list("result", flat=True)
    )
    item = keep_list(results.iterator())
    if is_reference(item):
        # The sweep must find it in some row for as long as it may be sent.
        Subtask.objects.filter(pk=row.pk).exclude(item=item).update(item=item)
    return Ready(row.pk, row.index, row.attempts + 1, item, reduce=True)


def load_doubtful() -> Iterator[tuple[str, Ready]]:
    """Subtasks that may never run twice and may have been sent, each with its job."""
    sent = (SubtaskState.QUEUED, SubtaskState.RUNNING)
    for row in Subtask.objects.filter(job__at_most_once=True, state__in=sent).iterator():
        reduce = row.role == Role.REDUCE
        yield row.job_id, Ready(row.pk, row.index, row.attempts + 1, row.item, reduce)


def load_open(subtasks: Iterable[int]) -> dict[int, tuple[Ready, int]]:
    """Open subtasks by id, each with the newest closed attempt."""
    found: dict[int, tuple[Ready, int]] = {}
    ids = list(subtasks)
    for start in range(0, len(ids), 500):
        rows = Subtask.objects.filter(pk__in=ids[start : start + 500], state__in=LOADABLE)
        for row in rows:
            reduce = row.role == Role.REDUCE
            ready = Ready(row.pk, row.index, row.attempts + 1, row.item, reduce)
            found[row.pk] = ((load_reduction(row.job_id) if reduce else None) or ready, row.attempt)
    return found


def load_placed(subtasks: Iterable[int]) -> dict[int, tuple[str, str]]:
    """Of running subtasks, by id: where they run, and why there."""
    running = Subtask.objects.filter(state=SubtaskState.RUNNING).exclude(placed="")
    found: dict[int, tuple[str, str]] = {}
    ids = list(subtasks)
    for start in range(0, len(ids), 500):
        rows = running.filter(pk__in=ids[start : start + 500])
        found |= {pk: (node, why) for pk, node, why in rows.values_list("pk", "node", "placed")}
    return found


def find_crash_nodes(subtasks: list[int]) -> dict[int, frozenset[str]]:
    """Where these subtasks killed their process, for those that did."""
    if not subtasks:
        return {}
    rows = Attempt.objects.filter(subtask__in=subtasks, outcome=Outcome.CRASHED)
    nodes: dict[int, set[str]] = {}
    for subtask, node in rows.values_list("subtask_id", "node"):
        nodes.setdefault(subtask, set()).add(node)
    return {subtask: frozenset(names) for subtask, names in nodes.items()}
