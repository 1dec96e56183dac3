"""The job that a schedule wants, as its `job` says it; and the schedule as the API shows it."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, cast

from hive_site.kernel.errors import Invalid, TooLarge
from jobs.json_text import assemble, encode
from jobs.models import Schedule
from jobs.selectors import stamp
from jobs.validation import WishFields, check_wish

LABEL = "schedule"
MAX_CHARS = 1024 * 1024
MAX_DEADLINE_SECONDS = 10 * 365 * 24 * 3600.0


def check_job(value: Any, *, name: str, now: datetime) -> str:
    """The wish as JSON text, if a job could be made of it now. Raises `Invalid`, `TooLarge`."""
    if not isinstance(value, Mapping):
        raise Invalid("give an object, as for POST /api/v1/jobs/", field="job")
    try:
        check_wish(read_wish(value, name=name, now=now), now=now)
    except Invalid as error:
        field = f"job.{error.field}" if error.field else "job"
        raise type(error)(str(error), field=field) from error
    text = encode(dict(value), field="job")
    if len(text) > MAX_CHARS:
        rule = f"{len(text):,} characters; a schedule keeps {MAX_CHARS:,}, so read more in the task"
        raise TooLarge(rule, field="job")
    return text


def read_wish(value: Mapping[str, Any], *, name: str, now: datetime) -> WishFields:
    """The wish for a job submitted now: its deadline counts from now, a label names the schedule.

    Raises `Invalid` for a deadline that is not in seconds.
    """
    wish = dict(value)
    if wish.get("deadline") is not None:
        wish["deadline"] = now + _deadline(wish["deadline"])
    labels = wish.get("labels")
    if labels is None or isinstance(labels, Mapping):
        wish["labels"] = {LABEL: name, **(labels or {})}
    return cast(WishFields, wish)


def _deadline(value: Any) -> timedelta:
    good = isinstance(value, int | float) and not isinstance(value, bool)
    if not good or not 0 < value <= MAX_DEADLINE_SECONDS:
        rule = "each job gets a deadline of its own: give seconds from its submission"
        raise Invalid(f"{value!r}; {rule}", field="deadline")
    return timedelta(seconds=value)


def schedule_text(schedule: Schedule) -> str:
    """A schedule as the API shows it, as JSON text."""
    link = f"/api/v1/schedules/{schedule.name}/"
    fields = {
        "name": schedule.name,
        "cron": schedule.cron,
        "timezone": schedule.timezone,
        "enabled": schedule.enabled,
        "missed": schedule.missed,
        "overlap": schedule.overlap,
        "next_run_at": stamp(schedule.next_run_at),
        "last_run_at": stamp(schedule.last_run_at),
        "last_job": schedule.last_job or None,
        "note": schedule.note,
        "submitted_by": schedule.submitted_by,
        "created_at": stamp(schedule.created_at),
        "links": {
            "self": link,
            "run": f"{link}run/",
            "jobs": f"/api/v1/jobs/?label.schedule={schedule.name}",
        },
    }
    return assemble(fields, job=schedule.job)
