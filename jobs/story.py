"""What happened to a job, in the order in which it did."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType

from jobs.domain.states import JOB_TERMINAL
from jobs.models import Delivery, Job

MOST_ENTRIES = 200


@dataclass(frozen=True, slots=True)
class Moment:
    """Something that happened; `kind` is a state's word, or "note"."""

    at: datetime
    kind: str
    what: str
    who: str = ""


def tell_story(job: Job) -> list[Moment]:
    """What is on record of a job, the oldest first."""
    return sorted([*_own(job), *_by_people(job), *_deliveries(job)], key=lambda moment: moment.at)


def _own(job: Job) -> Iterator[Moment]:
    after = f", after {len(job.depends_on)} other jobs" if job.depends_on else ""
    by = f" by a task, in {job.spawned_by}" if job.spawned_by else ""
    yield Moment(job.created_at, "note", f"submitted{by}{after}", job.submitted_by)
    if job.ready_at and job.rounds > 1:
        yield Moment(job.ready_at, "retrying", f"given another chance: round {job.rounds}")
    elif job.ready_at and job.depends_on:
        yield Moment(job.ready_at, "queued", "what it waited for has ended")
    if job.started_at:
        yield Moment(job.started_at, "running", "the first of its subtasks was started")
    if job.finished_at and job.state in JOB_TERMINAL:
        counts = f"{job.succeeded:,} of {job.total:,} succeeded, {job.failed:,} failed"
        yield Moment(job.finished_at, job.state, f"ended as {job.state}: {counts}")


def _by_people(job: Job) -> Iterator[Moment]:
    kind = ContentType.objects.get_for_model(Job)
    rows = LogEntry.objects.filter(content_type=kind, object_id=job.pk).select_related("user")
    for row in rows.order_by("-action_time")[:MOST_ENTRIES]:
        yield Moment(row.action_time, "note", row.get_change_message(), row.user.get_username())


def _deliveries(job: Job) -> Iterator[Moment]:
    for row in Delivery.objects.filter(job=job.pk).order_by("-created_at")[:MOST_ENTRIES]:
        tries = f" after {row.tries} tries" if row.tries > 1 else ""
        why = f": {row.error}" if row.error else ""
        what = f"webhook to {row.host}: {row.state}{tries}{why}"
        yield Moment(row.ended_at or row.created_at, "note", what)
