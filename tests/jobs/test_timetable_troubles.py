"""A schedule that cannot be followed stops, and stops nothing else."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import OperationalError
from django.utils import timezone

from jobs import timetable
from jobs.models import Edge, Job, Schedule
from jobs.services import change_schedule, create_schedule, delete_job
from nodes.ports import Wakeup

JOB = {"task": "demo.echo", "items": [7]}
YEARLY = "0 0 1 1 *"


def plan(stage, name="tick", *, due=None, **fields):
    """A schedule that is due, of which the leader knows."""
    wish = {"name": name, "cron": YEARLY, "job": JOB, **fields}
    create_schedule({**wish, "next_run_at": timezone.now()})
    if due:
        Schedule.objects.filter(name=name).update(next_run_at=due)
    stage.workload.heed([Wakeup("schedule", name)], stage.now)


def test_a_time_that_no_calendar_has_disables_its_schedule_and_the_others_run(stage):
    first_day = datetime(1, 1, 1, tzinfo=UTC)
    plan(stage, "odd", due=first_day, cron="0 0 29 2 */7", timezone="America/New_York")
    plan(stage, "good")

    stage.tidy()

    assert [job.labels["schedule"] for job in Job.objects.all()] == ["good"]
    odd = Schedule.objects.get(name="odd")
    assert (odd.enabled, odd.next_run_at) == (False, None)
    assert odd.note.startswith("disabled: OverflowError")
    stage.run()


def test_an_outage_disables_nothing(stage, monkeypatch):
    def go_away(point):
        raise OperationalError("the database is away")

    plan(stage)
    monkeypatch.setattr(timetable, "crash_point", go_away)

    with pytest.raises(OperationalError):
        stage.tidy()

    assert Schedule.objects.get().enabled
    assert not Job.objects.exists()


def test_a_time_whose_job_was_deleted_may_come_again_with_all_its_parents(stage):
    parent = stage.submit()
    stage.run()
    due = timezone.now() - timedelta(hours=1)
    plan(stage, job={**JOB, "depends_on": [parent.pk]}, due=due)
    stage.tidy()
    stage.run()
    [job] = Job.objects.exclude(pk=parent.pk)

    delete_job(job_id=job.pk)

    assert not Edge.objects.exists()
    change_schedule(name="tick", fields={"next_run_at": due})
    stage.workload.heed([Wakeup("schedule", "tick")], stage.now)
    stage.tidy()
    assert Job.objects.filter(pk=job.pk).exists()
    stage.run()
