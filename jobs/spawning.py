"""Stores the jobs that running tasks submit, each once, whoever says it how often."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime

import structlog
from django.db import DataError, IntegrityError, transaction

from hive_site.kernel import tracing
from hive_site.kernel.errors import HiveError, Invalid
from jobs.domain.batch import Submission
from jobs.domain.states import TERMINAL, JobState
from jobs.ids import spawned_job_id
from jobs.models import Job, Subtask
from jobs.services.submission import keep_large, store_wish
from jobs.validation import check_wish

log = structlog.get_logger()
#: Jobs of jobs of jobs: a task that submits itself for ever shall not fill the database.
MAX_GENERATIONS = 32
#: What a wish may raise that no node should have let through.
NONSENSE = (
    *(HiveError, DataError, IntegrityError, ImportError),
    *(ValueError, TypeError, KeyError, AttributeError, RecursionError),
)


def store_submissions(submissions: Sequence[Submission], now: datetime) -> set[str]:
    """Store them in the caller's transaction; the ids of their jobs, old ones among them.

    What does not hold is dropped with a line of log: the others are stored.
    """
    if not submissions:
        return set()
    rows = _parents(submissions)
    wanted: dict[str, tuple[Submission, Subtask]] = {}
    for submission in submissions:
        row = rows.get(submission.subtask)
        if row and _counts(submission, row):
            job = spawned_job_id(row.job_id, row.pk, submission.call)
            wanted.setdefault(job, (submission, row))
    known = set(Job.objects.filter(pk__in=wanted).values_list("pk", flat=True))
    return known | {
        job
        for job, (submission, row) in wanted.items()
        if job not in known
        if _store(job, submission, row, now)
    }


def _parents(submissions: Iterable[Submission]) -> dict[int, Subtask]:
    ids = {submission.subtask for submission in submissions}
    columns = ("index", "state", "attempt", "node", "job")
    mine = ("job__state", "job__submitted_by", "job__spawned_by", "job__traceparent")
    return Subtask.objects.select_related("job").only(*columns, *mine).in_bulk(ids)


def _counts(submission: Submission, row: Subtask) -> bool:
    """Whether the attempt is one that works on the subtask, or the one that ended it."""
    last = (row.attempt, row.node) == (submission.attempt, submission.node)
    return submission.current or (row.state in TERMINAL and last)


def _store(job: str, submission: Submission, row: Subtask, now: datetime) -> bool:
    try:
        with transaction.atomic():
            _refuse(row)
            wish = keep_large(check_wish(json.loads(submission.wish), now=now))
            with tracing.called_by(row.job.traceparent):
                store_wish(wish, id=job, submitted_by=row.job.submitted_by, spawned_by=str(row))
    except NONSENSE as error:
        field = getattr(error, "field", "")
        log.warning("submission.dropped", by=str(row), job=job, field=field, reason=str(error))
        return False
    return True


def _refuse(row: Subtask) -> None:
    """Raises `Invalid` if nothing may be submitted by this subtask any more."""
    if row.job.state == JobState.CANCELLING:
        raise Invalid("its job is being cancelled")
    generations, by = 1, row.job.spawned_by
    while by:
        generations += 1
        if generations > MAX_GENERATIONS:
            raise Invalid(f"it is {MAX_GENERATIONS} jobs away from what somebody submitted")
        parent = Job.objects.filter(pk=by.partition("[")[0])
        by = parent.values_list("spawned_by", flat=True).first() or ""
