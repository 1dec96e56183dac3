"""Submits what schedules want, exactly once for each of their times.

The due time moves on in the same transaction that stores the job, and the job's id follows from
schedule and time: neither a crash, nor a take-over, nor a clock that goes back runs it twice.
"""

import json
from datetime import datetime
from typing import Any

import structlog
from django.db import transaction
from django.db.models import Min

from hive_site.kernel.crash import crash_point
from hive_site.kernel.errors import Deposed, Invalid
from hive_site.kernel.outages import OUTAGES
from jobs.crontab import ticks_of
from jobs.domain.cron import Missed, Overlap, choose_runs, due_times, next_time
from jobs.ids import derive_job_id
from jobs.models import Job, Schedule
from jobs.scheduled import read_wish
from jobs.services.submission import submit_as
from nodes.leadership import Leadership

log = structlog.get_logger()
#: One look submits for no more schedules than this; the next look goes on.
AT_ONCE = 100
LONGEST_NOTE = 300


class Timetable:
    """One leader's clock."""

    def __init__(self, leadership: Leadership) -> None:
        self._leadership = leadership
        self._next: datetime | None = None

    def read(self) -> None:
        """Find out when the next schedule is due."""
        waiting = Schedule.objects.filter(enabled=True)
        self._next = waiting.aggregate(at=Min("next_run_at"))["at"]

    def submit_due(self, now: datetime) -> set[str]:
        """Submit the jobs whose time has come; their ids."""
        if self._next is None or self._next > now:
            return set()
        due = Schedule.objects.filter(enabled=True, next_run_at__lte=now).defer("job")
        rows = due.order_by("next_run_at")[:AT_ONCE]
        jobs = {job for schedule in rows for job in self._try(schedule, now)}
        self.read()
        return jobs

    def _try(self, schedule: Schedule, now: datetime) -> list[str]:
        """What became of one schedule; one that cannot be followed keeps no other from its time."""
        try:
            return self._submit(schedule, now)
        except (Deposed, *OUTAGES):
            raise
        except Invalid as error:
            self._disable(schedule, str(error), now)
        except Exception as error:  # whatever it is, it would be so again in a second
            log.exception("schedule.broke", schedule=schedule.name)
            self._disable(schedule, repr(error), now)
        return []

    def _submit(self, schedule: Schedule, now: datetime) -> list[str]:
        first = schedule.next_run_at
        assert first is not None, "only what has a time is due"  # noqa: S101
        ticks = ticks_of(schedule.cron, schedule.timezone)
        due = due_times(ticks, first=first, now=now)
        runs = choose_runs(due, now=now, missed=Missed(schedule.missed))
        following = next_time(ticks, after=now)
        with transaction.atomic():
            self._leadership.confirm(now)
            mine = Schedule.objects.filter(pk=schedule.pk, enabled=True, next_run_at=first)
            if not mine.update(next_run_at=following):
                return []  # an operator changed it just now
            schedule.refresh_from_db()
            jobs = [job for at in runs if (job := self._run(schedule, at, now))]
            if not runs:
                schedule.note = f"{len(due)} runs until {due[-1]:%Y-%m-%d %H:%M} UTC were missed"
            schedule.save(update_fields=["last_run_at", "last_job", "note"])
            crash_point("foreman.scheduling")
        crash_point("foreman.scheduled")
        log.info("schedule.ran", schedule=schedule.name, jobs=jobs, due=len(due))
        return jobs

    def _disable(self, schedule: Schedule, reason: str, now: datetime) -> None:
        """It makes no sense any more, as when a time zone was dropped from the calendar."""
        with transaction.atomic():
            self._leadership.confirm(now)
            Schedule.objects.filter(pk=schedule.pk).update(
                enabled=False, next_run_at=None, note=f"disabled: {reason}"[:LONGEST_NOTE]
            )
        log.error("schedule.disabled", schedule=schedule.name, reason=reason)

    def _run(self, schedule: Schedule, at: datetime, now: datetime) -> str | None:
        """The job of one due time; None if there is to be none, and the schedule says why."""
        if schedule.overlap == Overlap.SKIP and _is_open(schedule.last_job):
            schedule.note = f"skipped {at:%Y-%m-%d %H:%M} UTC: {schedule.last_job} still ran"
            return None
        job_id = derive_job_id(at, f"{schedule.pk} {at.isoformat()}")
        try:
            job = submit_as(job_id, submitted_by=schedule.submitted_by, **_wish(schedule, now))
        except Invalid as error:
            # It was valid when it was saved: a task is gone, or a rule is new.
            said = f"no job for {at:%Y-%m-%d %H:%M} UTC: {error.field}: {error}"
            schedule.note = said[:LONGEST_NOTE]
            log.warning("schedule.refused", schedule=schedule.name, reason=said)
            return None
        schedule.last_run_at, schedule.last_job, schedule.note = now, job_id, ""
        return job.pk if job else None


def _is_open(job: str) -> bool:
    return bool(job) and Job.objects.open().filter(pk=job).exists()


def _wish(schedule: Schedule, now: datetime) -> dict[str, Any]:
    return read_wish(json.loads(schedule.job), name=schedule.name, now=now)
