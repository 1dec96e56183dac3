"""Reads of jobs: rows for the API, the command line and Python, all in the same words."""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import F, QuerySet, Sum
from django.db.models.fields.json import KeyTextTransform
from django.db.models.lookups import Exact

from hive_site.kernel.errors import NotFound
from jobs.domain.graph import sum_up
from jobs.domain.states import JobState, Role
from jobs.json_text import assemble
from jobs.models import Job, Queue, Subtask
from nodes.selectors import read_picture

#: What a result is made of; the rest of a subtask's row stays in the database.
RESULT_COLUMNS = ("index", "state", "node", "attempts", "started_at", "finished_at")


def get_job(job_id: str) -> Job:
    """The job. Raises `NotFound`."""
    job = Job.objects.filter(pk=job_id).first()
    if job is None:
        raise NotFound(f"no job has the id {job_id!r}")
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


def require_queue(name: str) -> str:
    """The name, if it is that of a queue. Raises `NotFound`."""
    if name not in settings.HIVE.queues:
        raise NotFound(f"no queue is named {name!r}; there are {', '.join(settings.HIVE.queues)}")
    return name


def job_text(job: Job) -> str:
    """The job as the API shows it (CONTRACT §6), as JSON text; results go in as they are."""
    ended = job.succeeded + job.failed + job.cancelled
    running = min(job.running, job.total - ended)
    link = f"/api/v1/jobs/{job.pk}/"
    fields = {
        "id": job.pk,
        "task": job.task,
        "state": job.state,
        "queue": job.queue,
        "priority": job.priority,
        "progress": {
            "total": job.total,
            "waiting": job.total - ended - running,
            "running": running,
            "succeeded": job.succeeded,
            "failed": job.failed,
            "cancelled": job.cancelled,
        },
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
        "links": {
            "self": link,
            "results": f"{link}results/",
            "subtasks": f"{link}subtasks/",
            "cancel": f"{link}cancel/",
        },
    }
    return assemble(fields, result=job.result, error=job.error)


def job_view(job_id: str) -> dict[str, Any]:
    """The job as the API shows it. Raises `NotFound`."""
    view: dict[str, Any] = json.loads(job_text(get_job(job_id)))
    return view


def map_rows(job_id: str, *, after: int = -1) -> QuerySet[Subtask]:
    """The job's items in order, from the one after the given index."""
    return Subtask.objects.filter(job_id=job_id, role=Role.MAP, index__gt=after).order_by("index")


def result_texts(rows: QuerySet[Subtask]) -> Iterator[tuple[int, str]]:
    """Index and JSON text of each result."""
    columns = (*RESULT_COLUMNS, "result", "error")
    for row in rows.values_list(*columns).iterator(chunk_size=500):
        *plain, begun, ended, result, error = row
        fields = dict(zip(RESULT_COLUMNS, (*plain, stamp(begun), stamp(ended)), strict=True))
        fields["node"] = fields["node"] or None
        yield row[0], assemble(fields, result=result, error=error)


def subtask_text(job_id: str, index: int) -> str | None:
    """One subtask with its item and its attempts, as JSON text; None if there is none."""
    row = Subtask.objects.filter(job_id=job_id, index=index, role=Role.MAP).first()
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
    fields = {
        "index": row.index,
        "state": row.state,
        "node": row.node or None,
        "attempts": row.attempts,
        "started_at": stamp(row.started_at),
        "finished_at": stamp(row.finished_at),
        "retry_at": stamp(row.retry_at),
    }
    texts = {"item": row.item, "result": row.result, "error": row.error}
    return assemble(fields, **texts, tries=f"[{', '.join(tries)}]")


def queue_views() -> list[dict[str, Any]]:
    """All queues of waiting work: name, depth, oldest wait in seconds, paused or not."""
    paused = set(Queue.objects.filter(paused=True).values_list("name", flat=True))
    picture = read_picture()
    drawn = picture.get("queues", {}) if picture.get("fresh") else {}
    return [
        {
            "name": name,
            "depth": drawn[name]["depth"] if name in drawn else _depth(name),
            "oldest_wait": drawn.get(name, {}).get("oldest_wait"),
            "paused": name in paused,
        }
        for name in settings.HIVE.queues
    ]


def queue_view(name: str) -> dict[str, Any]:
    """One queue. Raises `NotFound`."""
    require_queue(name)
    return next(view for view in queue_views() if view["name"] == name)


def _depth(queue: str) -> int:
    ended = F("succeeded") + F("failed") + F("cancelled")
    waiting = Sum(F("total") - ended - F("running"))
    rows = Job.objects.open().exclude(state=JobState.BLOCKED).filter(queue=queue)
    return rows.aggregate(n=waiting)["n"] or 0


def result_views(job_id: str) -> Iterator[dict[str, Any]]:
    """All results of a job in item order."""
    for _, text in result_texts(map_rows(job_id)):
        yield json.loads(text)


def stamp(moment: datetime | None) -> str | None:
    """A time as RFC 3339 in UTC."""
    return moment.isoformat().replace("+00:00", "Z") if moment else None
