"""Jobs at some moment of their life, for pages to show."""

import json
from datetime import UTC, datetime, timedelta

from jobs.models import Attempt, Job, LogChunk, Subtask

NOON = datetime(2030, 1, 31, 12, tzinfo=UTC)
NASTY = "</script><script>alert(1)</script>"
TABS = ("grid", "timeline", "results", "errors", "log", "input", "events")


def error(kind: str = "ValueError", message: str = "no bees") -> str:
    return json.dumps({"type": kind, "message": message, "traceback": f"Traceback\n{message}"})


def ended_job(total: int = 10, *, failed: int = 0, **fields: object) -> Job:
    """A job that ended: the first `failed` of its items failed at their second try."""
    job = Job.objects.create(
        id=fields.pop("id", "job_ended"),
        task="demo.echo",
        state="partial" if failed else "succeeded",
        queue="background",
        timeout=60,
        retries=1,
        total=total,
        succeeded=total - failed,
        failed=failed,
        created_at=NOON,
        started_at=NOON,
        finished_at=NOON + timedelta(seconds=total + 1),
        **fields,
    )
    Subtask.objects.bulk_create(_subtask(job, n, fails=n < failed) for n in range(total))
    for row in job.subtasks.filter(state="failed"):
        for number in (1, 2):
            fail(row, number=number)
    return job


def _subtask(job: Job, index: int, *, fails: bool) -> Subtask:
    begun = NOON + timedelta(seconds=index)
    return Subtask(
        job=job,
        index=index,
        item=json.dumps({"n": index}),
        state="failed" if fails else "succeeded",
        result=None if fails else json.dumps(f"result {index}"),
        error=error() if fails else None,
        node=f"spore-{index % 3}",
        attempt=index + 1,
        attempts=2 if fails else 1,
        started_at=begun,
        finished_at=begun + timedelta(seconds=1),
        seq=index + 1,
    )


def fail(row: Subtask, *, number: int = 1, text: str | None = None) -> Attempt:
    """A try of a subtask that went wrong."""
    return Attempt.objects.create(
        id=row.pk * 100 + number,
        subtask=row,
        number=number,
        node="spore-1",
        outcome="failed",
        error=text or error(),
        started_at=NOON + timedelta(seconds=number),
        ended_at=NOON + timedelta(seconds=number + 1),
    )


def say(row: Subtask, text: str, *, n: int = 1, seq: int = 1) -> LogChunk:
    """A piece of a subtask's log."""
    return LogChunk.objects.create(
        job_id=row.job_id, subtask=row, attempt=1, number=1, node="spore-1", n=n, seq=seq, text=text
    )
