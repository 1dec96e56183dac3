"""Make, change, delete and run schedules. Everything is checked when it is saved."""

import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from hive_site.kernel.errors import Conflict, Invalid, NotFound
from jobs.crontab import check_cron, check_timezone, ticks_of
from jobs.domain.cron import Missed, Overlap, next_time
from jobs.models import Job, Schedule
from jobs.scheduled import check_job, read_wish
from jobs.services.submission import submit_job
from jobs.validation import read_moment
from nodes.inbox import ring

FIELDS = ("name", "cron", "timezone", "job", "enabled", "missed", "overlap", "next_run_at")
REQUIRED = ("name", "cron", "job")
#: A first time that is earlier is a mistake, and one that is later too.
EARLIEST, LATEST = timedelta(days=1), timedelta(days=100 * 365)
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def create_schedule(fields: Mapping[str, Any], *, submitted_by: str = "") -> Schedule:
    """A new schedule. Raises `Invalid` with the field's name, `Conflict` if the name is taken."""
    for name in REQUIRED:
        if fields.get(name) is None:
            raise Invalid(f"is missing; give {', '.join(REQUIRED)}", field=name)
    schedule = Schedule(submitted_by=submitted_by[:150])
    apply_fields(schedule, fields, now=timezone.now())
    try:
        with transaction.atomic():
            schedule.save(force_insert=True)
            transaction.on_commit(partial(ring, "schedule", schedule.name))
    except IntegrityError as error:
        raise Conflict(f"a schedule named {schedule.name!r} exists; change or delete it") from error
    return schedule


@transaction.atomic
def change_schedule(*, name: str, fields: Mapping[str, Any]) -> Schedule:
    """Change what is given. Raises `NotFound`, or `Invalid` with the field's name."""
    schedule = get_schedule(name)
    if "name" in fields and fields["name"] != name:
        raise Invalid("a schedule keeps its name; delete it and make another", field="name")
    apply_fields(schedule, fields, now=timezone.now())
    # Not what the Foreman wrote meanwhile.
    changed = {*fields, "next_run_at"} if _moves(fields) else set(fields)
    if changed:
        schedule.save(update_fields=sorted(changed))
    transaction.on_commit(partial(ring, "schedule", name))
    return schedule


def delete_schedule(*, name: str) -> None:
    """Forget a schedule; its jobs stay. Raises `NotFound`."""
    if not Schedule.objects.filter(name=name).delete()[0]:
        raise NotFound(f"no schedule is named {name!r}")


def run_schedule(*, name: str, submitted_by: str = "") -> Job:
    """Submit its job now, besides its times, even if it is disabled.

    Raises `NotFound`, or `Invalid` if no job can be made of it any more.
    """
    schedule = get_schedule(name)
    wish = read_wish(json.loads(schedule.job), name=name, now=timezone.now())
    with transaction.atomic():
        job = submit_job(submitted_by=submitted_by or schedule.submitted_by, **wish)
        Schedule.objects.filter(pk=schedule.pk).update(
            last_run_at=job.created_at, last_job=job.pk, note=""
        )
    return job


def get_schedule(name: str) -> Schedule:
    """The schedule. Raises `NotFound`."""
    schedule = Schedule.objects.filter(name=name).first()
    if schedule is None:
        raise NotFound(f"no schedule is named {name!r}")
    return schedule


def apply_fields(schedule: Schedule, fields: Mapping[str, Any], *, now: datetime) -> None:
    """Put checked values into a schedule, and work out when it is due next. Saves nothing.

    Raises `Invalid` with the field's name.
    """
    for name in fields:
        if name not in FIELDS:
            raise Invalid(f"is no field of a schedule; there are {', '.join(FIELDS)}", field=name)
    for name, read in READERS.items():
        if name in fields:
            setattr(schedule, name, read(fields[name]))
    if "cron" in fields or "timezone" in fields:
        cron = fields.get("cron", schedule.cron)
        schedule.cron = check_cron(cron, timezone=schedule.timezone, now=now)
    if "job" in fields:
        schedule.job = check_job(fields["job"], name=schedule.name, now=now)
    if _moves(fields) or schedule.pk is None:
        schedule.next_run_at = _next_run(schedule, fields, now)


def _moves(fields: Mapping[str, Any]) -> bool:
    return not {"cron", "timezone", "enabled", "next_run_at"}.isdisjoint(fields)


def _next_run(schedule: Schedule, fields: Mapping[str, Any], now: datetime) -> datetime | None:
    if not schedule.enabled:
        return None
    if fields.get("next_run_at") is not None:
        return _first_run(fields["next_run_at"], now)
    return next_time(ticks_of(schedule.cron, schedule.timezone), after=now)


def _first_run(value: Any, now: datetime) -> datetime:
    first = read_moment(value, field="next_run_at")
    if not now - EARLIEST <= first <= now + LATEST:
        rule = "give a time from a day ago to 100 years from now"
        raise Invalid(f"{value!r}; {rule}", field="next_run_at")
    return first


def _name(value: Any) -> str:
    if not isinstance(value, str) or not NAME.fullmatch(value):
        rule = "give up to 100 letters, digits, and . _ -, the first a letter or digit"
        raise Invalid(f"{value!r}; {rule}", field="name")
    return value


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise Invalid(f"{value!r}; give true or false", field="enabled")
    return value


def _word(value: Any, *, words: type[Missed] | type[Overlap], field: str) -> str:
    if value not in list(words):
        raise Invalid(f"{value!r}; give {', '.join(words)}", field=field)
    return str(value)


READERS: dict[str, Callable[[Any], Any]] = {
    "name": _name,
    "timezone": check_timezone,
    "enabled": _flag,
    "missed": partial(_word, words=Missed, field="missed"),
    "overlap": partial(_word, words=Overlap, field="overlap"),
}
