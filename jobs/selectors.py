"""Reads of jobs: rows for the API, the command line and Python, all in the same words."""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.db.models.fields.json import KeyTextTransform
from django.db.models.lookups import Exact

from hive_site.kernel.errors import Gone, NotFound
from hive_site.kernel.prepared import Prepared
from jobs import blobs
from jobs.domain.graph import sum_up
from jobs.domain.references import read_reference
from jobs.domain.states import OPEN, Kept, Role
from jobs.json_text import assemble
from jobs.models import Job, Subtask
from jobs.reasons import why_job_waits, why_subtask
from jobs.speech import progress_told

ROWS_AT_ONCE = 500
#: What a result is made of; the rest of a subtask's row stays in the database.
RESULT_COLUMNS = ("index", "state", "node", "placed", "attempts", "started_at", "finished_at")

THE_JOB = Prepared(lambda pk: Job.objects.filter(pk=pk), str)


def get_job(job_id: str) -> Job:
    """The job. Raises `NotFound`."""
    job = THE_JOB.first(job_id)
    if job is None:
        raise NotFound(f"no job has the id {job_id!r}")
    return job


def require_results(job_id: str) -> Job:
    """The job, if its items and results are still there. Raises `NotFound` or `Gone`."""
    job = get_job(job_id)
    if job.kept != Kept.ALL:
        ended = f"job {job_id} ended {stamp(job.finished_at)}"
        raise Gone(f"{ended}; its items and results were deleted (HIVE_RESULT_TTL). Submit it anew")
    return job


def workflow_jobs(workflow: str) -> list[Job]:
    """The jobs of a workflow, parents before children. Raises `NotFound`."""
    jobs = list(Job.objects.filter(workflow=workflow).order_by("pk")) if workflow else []
    if not jobs:
        raise NotFound(f"no workflow has the id {workflow!r}")
    return jobs


def workflow_text(jobs: Sequence[Job]) -> str:
    """A workflow as the API shows it, as JSON text: its id, its state, its jobs by name."""
    link = f"/api/v1/workflows/{jobs[0].workflow}/"
    fields = {
        "id": jobs[0].workflow,
        "state": sum_up(job.state for job in jobs),
        "links": {"self": link, "cancel": f"{link}cancel/"},
    }
    named = (f"{json.dumps(job.name)}: {job_text(job)}" for job in jobs)
    return assemble(fields, jobs=f"{{{', '.join(named)}}}")


def with_label(rows: QuerySet[Job], label: str, text: str) -> QuerySet[Job]:
    """The jobs of these that have this label."""
    # Not labels__NAME: a label may be called "contains" or "isnull".
    return rows.filter(Exact(KeyTextTransform(label, "labels"), text))


def job_text(
    job: Job, *, waiting_for: str | None = None, brief: bool = False, base: str = ""
) -> str:
    """The job as the API shows it (CONTRACT §6), as JSON text; results go in as they are.

    `waiting_for` is for the caller to find out: it takes questions to Redis. `brief` shows of a
    large result only where it is. Its links begin with `base`, the address of the site.
    """
    link = f"{base}/api/v1/jobs/{job.pk}/"
    fields = {
        "id": job.pk,
        "task": job.task,
        "state": job.state,
        "queue": job.queue,
        "priority": job.priority,
        "progress": progress_of(job),
        "waiting_for": waiting_for,
        "reduce": job.reduce or None,
        "created_at": stamp(job.created_at),
        "started_at": stamp(job.started_at),
        "finished_at": stamp(job.finished_at),
        "labels": job.labels,
        "depends_on": job.depends_on,
        "workflow": job.workflow or None,
        "name": job.name or None,
        "spawned_by": job.spawned_by or None,
        "submitted_by": job.submitted_by,
        "expired": job.kept != Kept.ALL,
        "webhook": job.webhook or None,
        "links": {
            "self": link,
            "results": f"{link}results/",
            "subtasks": f"{link}subtasks/",
            "events": f"{link}events/",
            "grid": f"{link}grid/",
            "cancel": f"{link}cancel/",
            "deliveries": f"{base}/api/v1/deliveries/?job={job.pk}",
        },
    }
    result, error = (_point_to(job.result), None) if brief else _fetch(job.result)
    return assemble(fields, result=result, error=job.error or error)


def _point_to(text: str | None) -> str | None:
    reference = read_reference(text)
    if reference is None:
        return text
    return json.dumps({"$blob": f"/api/v1/blobs/{reference.sha256}/", "size": reference.size})


def _fetch(text: str | None) -> tuple[str | None, str | None]:
    """A result with what is stored elsewhere; if that is gone, an error that says so."""
    try:
        return blobs.whole(text), None
    except NotFound as fact:
        facts = {"type": "result_lost", "message": str(fact), "traceback": ""}
        return None, json.dumps(facts)


def progress_of(job: Job) -> dict[str, int]:
    """How many subtasks of a job are in which phase."""
    ended = job.succeeded + job.failed + job.cancelled
    running = min(job.running, job.total - ended)
    return {
        "total": job.total,
        "waiting": job.total - ended - running,
        "running": running,
        "succeeded": job.succeeded,
        "failed": job.failed,
        "cancelled": job.cancelled,
    }


def job_view(job_id: str) -> dict[str, Any]:
    """The job as the API shows it. Raises `NotFound`."""
    job = get_job(job_id)
    view: dict[str, Any] = json.loads(job_text(job, waiting_for=why_job_waits(job)))
    return view


def map_rows(job_id: str, *, after: int = -1) -> QuerySet[Subtask]:
    """The job's items in order, from the one after the given index."""
    return Subtask.objects.filter(job_id=job_id, role=Role.MAP, index__gt=after).order_by("index")


#: The plain fields of a result, then the result itself and its error as JSON texts.
ReadResult = tuple[dict[str, Any], str | None, str | None]


def result_texts(rows: QuerySet[Subtask]) -> Iterator[tuple[int, str]]:
    """Index and JSON text of each result."""
    for fields, result, error in _read_results(rows):
        yield fields["index"], assemble(fields, result=result, error=error)


def all_result_texts(job_id: str) -> Iterator[str]:
    """The JSON text of each result of a job; only some are in memory at a time."""
    for fields, result, error in _read_all_results(job_id):
        yield assemble(fields, result=result, error=error)


def _read_all_results(job_id: str) -> Iterator[ReadResult]:
    last: int | None = -1
    while last is not None:
        page = _read_results(map_rows(job_id, after=last)[:ROWS_AT_ONCE])
        last = None
        for row in page:
            last = row[0]["index"]
            yield row


def _read_results(rows: QuerySet[Subtask]) -> Iterator[ReadResult]:
    columns = (*RESULT_COLUMNS, "result", "error")
    for *plain, begun, ended, text, failure in rows.values_list(*columns).iterator(chunk_size=500):
        fields = dict(zip(RESULT_COLUMNS, (*plain, stamp(begun), stamp(ended)), strict=True))
        for name in ("node", "placed"):
            fields[name] = fields[name] or None
        result, lost = _fetch(text)
        yield fields, result, failure or lost


def subtask_text(job: Job, index: int) -> str | None:
    """One subtask with its item, its attempts and why it is where it is, as JSON text; None if
    there is none."""
    row = Subtask.objects.filter(job_id=job.pk, index=index, role=Role.MAP).first()
    if row is None:
        return None
    tries = [
        assemble(
            {
                "number": attempt.number,
                "node": attempt.node,
                "outcome": attempt.outcome,
                "started_at": stamp(attempt.started_at),
                "ended_at": stamp(attempt.ended_at),
            },
            error=attempt.error,
        )
        for attempt in row.tries.all()
    ]
    told = progress_told({job.pk}).get(job.pk, {}) if row.state in OPEN else {}
    fields = {
        "index": row.index,
        "state": row.state,
        "progress": told.get(index, {}).get("progress"),
        "message": told.get(index, {}).get("message"),
        "node": row.node or None,
        "placed": row.placed or None,
        "why": why_subtask(job, row),
        "attempts": row.attempts,
        "started_at": stamp(row.started_at),
        "finished_at": stamp(row.finished_at),
        "retry_at": stamp(row.retry_at),
    }
    result, lost = _fetch(row.result)
    texts = {"item": _fetch(row.item)[0], "result": result, "error": row.error or lost}
    return assemble(fields, **texts, tries=f"[{', '.join(tries)}]")


def result_views(job_id: str) -> Iterator[dict[str, Any]]:
    """All results of a job in item order. Raises `NotFound` or `Gone`."""
    require_results(job_id)
    for fields, result, error in _read_all_results(job_id):
        yield {**fields, "result": _value(result), "error": _value(error)}


def _value(text: str | None) -> Any:
    return None if text is None else json.loads(text)


def stamp(moment: datetime | None) -> str | None:
    """A time as RFC 3339 in UTC."""
    return moment.isoformat().replace("+00:00", "Z") if moment else None
