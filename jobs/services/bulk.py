"""Cancel or retry every job that a filter finds."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from hive_site.kernel.errors import Conflict, Gone, Invalid, NotFound
from jobs.domain.states import JOB_OPEN, JobState, Kept
from jobs.models import Job
from jobs.requirements import check_labels
from jobs.selectors import with_label
from jobs.services.cancelling import cancel
from jobs.services.retrying import RETRIABLE, retry_job
from nodes.inbox import ring

FILTERS = ("state", "task", "queue", "labels", "older_than", "workflow")
#: So many ids are listed.
LISTED = 100
#: Retrying takes a few statements for each job; whoever has more asks again.
RETRIES_AT_ONCE = 1000
#: Of those that a parent holds back there may be any number, and each of them is asked about.
TRIES_AT_ONCE = 5000
MAX_AGE_SECONDS = 10 * 365 * 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Sweep:
    """What a filter found: how many jobs, the first of them, and how many were changed."""

    matched: int
    jobs: list[str]
    done: int


def cancel_jobs(*, filter: Any, dry_run: bool = False) -> Sweep:
    """Stop all jobs that have not ended and that the filter finds.

    Raises `Invalid` for a filter that is empty or makes no sense.
    """
    rows = _find(filter).filter(state__in=JOB_OPEN)
    found = _look(rows)
    if dry_run:
        return found
    done = cancel(rows)
    ring("queue")  # it has the Foreman compare everything that it knows with the database
    return Sweep(found.matched, found.jobs, done)


def retry_jobs(*, filter: Any, dry_run: bool = False) -> Sweep:
    """Run again what did not succeed of all jobs that the filter finds, 1,000 jobs at most.

    Those of which retention has deleted the items are none of them. Raises `Invalid` for a filter
    that is empty or makes no sense.
    """
    rows = _find(filter).filter(state__in=RETRIABLE, kept=Kept.ALL)
    found = _look(rows)
    if dry_run:
        return found
    ids = list(rows.values_list("pk", flat=True)[:TRIES_AT_ONCE])
    again = islice((job for job in ids if _retry(job)), RETRIES_AT_ONCE)
    return Sweep(found.matched, found.jobs, len(list(again)))


def _retry(job: str) -> bool:
    """Whether the job runs again; one that ended with a parent may do so with that."""
    try:
        retry_job(job_id=job)
    except Conflict:
        # Its parent was retried a moment ago: it waits again, or ran already.
        return Job.objects.filter(pk=job).exclude(state__in=RETRIABLE).exists()
    except (Gone, NotFound):
        return False
    return True


def _look(rows: QuerySet[Job]) -> Sweep:
    return Sweep(rows.count(), list(rows.values_list("pk", flat=True)[:LISTED]), 0)


def _find(wanted: Any) -> QuerySet[Job]:
    """The jobs that a filter finds, the oldest first."""
    if not isinstance(wanted, Mapping) or not wanted:
        rule = f"name some of {', '.join(FILTERS)}; there is no verb for all jobs"
        raise Invalid(rule, field="filter")
    rows = Job.objects.order_by("pk")
    for name, value in wanted.items():
        if name not in FILTERS:
            raise Invalid(f"there are {', '.join(FILTERS)}", field=f"filter.{name}")
        rows = _narrow(rows, name, value)
    return rows


def _narrow(rows: QuerySet[Job], name: str, value: Any) -> QuerySet[Job]:
    field = f"filter.{name}"
    match name:
        case "state":
            return rows.filter(state__in=list(_states(value)))
        case "labels":
            for label, text in check_labels(value, field=field).items():
                rows = with_label(rows, label, text)
            if not value:
                raise Invalid("name at least one label", field=field)
            return rows
        case "older_than":
            good = isinstance(value, int | float) and not isinstance(value, bool)
            if not good or not 0 <= value <= MAX_AGE_SECONDS:
                rule = f"give seconds from 0 to {MAX_AGE_SECONDS:.0f}"
                raise Invalid(f"{value!r}; {rule}", field=field)
            return rows.filter(created_at__lte=timezone.now() - timedelta(seconds=value))
    if not isinstance(value, str) or not value or not value.isprintable():
        raise Invalid(f"{value!r}; give a text", field=field)
    return rows.filter(**{name: value})


def _states(value: Any) -> Iterator[str]:
    for state in value.split(",") if isinstance(value, str) else [value]:
        if state not in list(JobState):
            rule = f"give some of {', '.join(JobState)}, with commas between"
            raise Invalid(f"{state!r} is no state; {rule}", field="filter.state")
        yield state
