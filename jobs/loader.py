"""From rows to the leader's memory: orders of jobs, and ready subtasks in pages."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import Q

from hive_site.kernel.prepared import Prepared
from jobs.blobs import keep_list
from jobs.domain.backlog import Line, Order, Ready
from jobs.domain.cache import base_of, key_of
from jobs.domain.references import is_reference
from jobs.domain.retry import Policy
from jobs.domain.states import JobState, Role, SubtaskState
from jobs.models import Job, Subtask
from nodes.domain.placement import Demand
from nodes.releases import Releases

LOADABLE = (
    SubtaskState.WAITING,
    SubtaskState.RETRYING,
    SubtaskState.QUEUED,
    SubtaskState.RUNNING,
)
#: What may never run twice is not sent again once it may have been.
UNSENT = (SubtaskState.WAITING, SubtaskState.RETRYING)


OPEN_JOB = Prepared(lambda pk: Job.objects.open().filter(pk=pk), str)


def load_open_jobs(ids: Sequence[str]) -> list[Job]:
    """Those of these jobs that have not ended, in the order in which they were submitted."""
    if len(ids) == 1:
        return OPEN_JOB.all(ids[0])
    return list(Job.objects.open().filter(pk__in=ids).order_by("pk"))


def read_open_jobs(*, at_once: int) -> Iterator[list[Job]]:
    """All jobs that have not ended, so many at a time, as they were submitted."""
    last = ""
    while rows := list(Job.objects.open().filter(pk__gt=last).order_by("pk")[:at_once]):
        yield rows
        last = rows[-1].pk


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
    order = Order(
        job=job.pk,
        task=job.task,
        queue=job.queue,
        rank=queues.index(job.queue) if job.queue in queues else len(queues),
        priority=job.priority,
        total=job.total,
        timeout=job.timeout,
        kwargs=job.kwargs,
        reduce=job.reduce,
        policy=read_policy(job),
        demand=read_demand(job.requires),
        submitter=job.submitted_by,
        idempotent=job.idempotent,
        alone=job.at_most_once or bool(job.requires.get("gpu")),
        fail_fast=job.on_error == "fail_fast",
        deadline=job.deadline,
        cache_for=cache_for,
        cache_base=_read_base(job) if cache_for else "",
        stop_token=f"{job.pk}.{job.rounds}",
        traceparent=job.traceparent,
    )
    return replace(order, reduction=_read_reduction(order, job)) if job.reduce else order


def _read_reduction(order: Order, job: Job) -> Order:
    """The reduction's order. Jobs of before it had terms of its own have none: as the items."""
    terms = job.reduction or {}
    return replace(
        order,
        task=job.reduce,
        kwargs="{}",
        alone=True,
        cache_for=0.0,
        timeout=terms.get("timeout", job.timeout),
        policy=read_policy(job, reduce=True),
        demand=read_demand(terms.get("requires", job.requires)),
        idempotent=terms.get("idempotent", job.idempotent),
    )


def _read_base(job: Job) -> str:
    return base_of(task=job.task, version=job.task_version, kwargs=job.kwargs)


def load_policy(job_id: str, *, reduce: bool) -> Policy | None:
    """How failures of a job, or of its reduction, are taken; None if it is being cancelled or has
    ended."""
    job = Job.objects.open().exclude(state=JobState.CANCELLING).filter(pk=job_id).first()
    return read_policy(job, reduce=reduce) if job else None


def read_policy(job: Job, *, reduce: bool = False) -> Policy:
    """How failures of a job, or of its reduction, are taken."""
    terms = job.reduction if reduce and job.reduction else vars(job)
    return Policy(terms["retries"], tuple(terms["backoff"]), terms["at_most_once"])


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
    for row in Subtask.objects.filter(may_run_once(), state__in=sent).iterator():
        reduce = row.role == Role.REDUCE
        yield row.job_id, Ready(row.pk, row.index, row.attempts + 1, row.item, reduce)


def may_run_once() -> Q:
    """Subtasks that may never run twice."""
    # Reductions of before they had options of their own are as their items.
    as_items = Q(role=Role.MAP) | Q(job__reduction__isnull=True)
    reductions = Q(role=Role.REDUCE, job__reduction__at_most_once=True)
    return (as_items & Q(job__at_most_once=True)) | reductions


def load_open(subtasks: Iterable[int]) -> dict[int, tuple[Ready, int]]:
    """Open subtasks by id, each with the newest closed attempt."""
    found: dict[int, tuple[Ready, int]] = {}
    ids = list(subtasks)
    for start in range(0, len(ids), 500):
        rows = list(Subtask.objects.filter(pk__in=ids[start : start + 500], state__in=LOADABLE))
        bases = _bases_of({row.job_id for row in rows})
        for row in rows:
            reduce, base = row.role == Role.REDUCE, bases.get(row.job_id)
            key = key_of(base, row.item) if base and not reduce else ""
            ready = Ready(row.pk, row.index, row.attempts + 1, row.item, reduce, key=key)
            found[row.pk] = ((load_reduction(row.job_id) if reduce else None) or ready, row.attempt)
    return found


def _bases_of(jobs: set[str]) -> dict[str, str]:
    """Of those that use the cache: what the keys of their subtasks have in common."""
    caching = Job.objects.filter(pk__in=jobs, cache_for__gt=0, idempotent=True)
    return {job.pk: _read_base(job) for job in caching}


def load_placed(subtasks: Iterable[int]) -> dict[int, tuple[str, str]]:
    """Of running subtasks, by id: where they run, and why there."""
    running = Subtask.objects.filter(state=SubtaskState.RUNNING).exclude(placed="")
    found: dict[int, tuple[str, str]] = {}
    ids = list(subtasks)
    for start in range(0, len(ids), 500):
        rows = running.filter(pk__in=ids[start : start + 500])
        found |= {pk: (node, why) for pk, node, why in rows.values_list("pk", "node", "placed")}
    return found
