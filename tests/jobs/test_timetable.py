"""Schedules are run by the leader, exactly once for each of their times."""

from datetime import UTC, datetime, timedelta

import pytest

from hive_site.kernel.errors import Deposed
from jobs import timetable
from jobs.models import Job, Schedule
from jobs.registry import registry, task
from jobs.services import change_schedule, create_schedule, delete_schedule
from jobs.steering import POLL_SECONDS
from nodes.ports import Wakeup
from tests.jobs.stage import depose

MINUTE = timedelta(minutes=1)


def plan(stage, *, due, **fields):
    """A schedule of every minute that is due at that time, of which the leader knows."""
    schedule = create_schedule(
        {"name": "tick", "cron": "* * * * *", "job": {"task": "demo.echo", "items": [7]}, **fields},
        submitted_by="key:clock",
    )
    Schedule.objects.update(next_run_at=due)
    stage.workload.heed([Wakeup("schedule", "tick")], stage.now)
    schedule.refresh_from_db()
    return schedule


def jobs():
    return list(Job.objects.order_by("pk"))


def at_full_minute(stage):
    """The stage's clock, moved to where the next time of every minute is a minute away."""
    stage.now = stage.now.replace(second=0, microsecond=0) + MINUTE
    return stage.now


def test_a_job_is_submitted_when_its_time_has_come_and_sent_at_once(stage):
    now = at_full_minute(stage)
    plan(stage, due=now + timedelta(seconds=5))
    stage.tidy(after=4)
    assert jobs() == []

    stage.tidy(after=1)

    [job] = jobs()
    assert (job.submitted_by, job.labels) == ("key:clock", {"schedule": "tick"})
    schedule = Schedule.objects.get()
    assert (schedule.last_job, schedule.last_run_at) == (job.pk, stage.now)
    assert schedule.next_run_at == now + MINUTE
    assert stage.send() == 1
    stage.run()


def test_the_same_time_is_not_run_again_by_the_next_leader(stage):
    plan(stage, due=at_full_minute(stage))
    stage.tidy()
    stage.leadership.release()
    stage.now -= 2 * MINUTE  # its clock is behind, and taking over takes one

    stage.take_over()
    stage.tidy()

    assert len(jobs()) == 1
    stage.run()


def test_the_same_time_is_not_run_again_though_it_was_set_back(stage):
    """As when a Nexus whose clock is behind works the next time out anew."""
    due = at_full_minute(stage)
    plan(stage, due=due)
    stage.tidy()
    Schedule.objects.update(next_run_at=due)

    stage.tidy(after=POLL_SECONDS)

    assert len(jobs()) == 1
    assert Schedule.objects.get().next_run_at == due + MINUTE
    stage.run()


def test_a_leader_that_was_deposed_submits_nothing(stage):
    due = at_full_minute(stage)
    plan(stage, due=due)
    depose(stage)

    with pytest.raises(Deposed):
        stage.tidy()

    assert jobs() == []
    assert Schedule.objects.get().next_run_at == due


@pytest.mark.parametrize(
    ("missed", "minutes"), [("skip", []), ("once", [4]), ("all", [0, 1, 2, 3, 4])]
)
def test_times_at_which_nobody_led_are_made_up_for_as_the_schedule_says(stage, missed, minutes):
    first = datetime(2030, 1, 31, 12, tzinfo=UTC)
    plan(stage, due=first, missed=missed, cron="0-4 12 31 1 *")
    stage.now = first + timedelta(minutes=30)

    stage.tidy()

    assert len(jobs()) == len(minutes)
    schedule = Schedule.objects.get()
    assert schedule.next_run_at == datetime(2031, 1, 31, 12, tzinfo=UTC)
    assert ("5 runs" in schedule.note) == (missed == "skip")
    stage.run()


def test_no_more_than_a_hundred_runs_are_made_up_for(stage):
    now = at_full_minute(stage)
    plan(stage, due=now - timedelta(days=400), missed="all")

    stage.tidy()

    assert len(jobs()) == 100
    stage.run()


def test_nothing_is_submitted_while_the_last_job_runs_if_they_may_not_overlap(stage):
    due = at_full_minute(stage)
    plan(stage, due=due, overlap="skip")
    stage.tidy()
    [first] = jobs()

    stage.tidy(after=60)
    assert jobs() == [first]
    assert first.pk in Schedule.objects.get().note
    stage.run()
    stage.tidy(after=60)

    assert len(jobs()) == 2
    assert Schedule.objects.get().note == ""
    stage.run()


def test_a_disabled_schedule_submits_nothing_and_goes_on_from_now_when_enabled(stage):
    plan(stage, due=at_full_minute(stage))
    change_schedule(name="tick", fields={"enabled": False})

    stage.tidy(after=POLL_SECONDS)
    assert (jobs(), Schedule.objects.get().next_run_at) == ([], None)
    change_schedule(name="tick", fields={"enabled": True})

    assert Schedule.objects.get().next_run_at > datetime.now(UTC)


def test_what_changed_without_a_hint_is_found_within_seconds(stage):
    stage.tidy()
    create_schedule({"name": "tick", "cron": "* * * * *", "job": {"task": "demo.echo"}})
    Schedule.objects.update(next_run_at=stage.now)
    stage.tidy(after=1)
    assert jobs() == []

    stage.tidy(after=POLL_SECONDS)

    assert len(jobs()) == 1
    stage.run()


def test_nothing_is_asked_of_the_database_until_something_is_due(stage, django_assert_num_queries):
    timetable = stage.workload._steering._timetable
    with django_assert_num_queries(0):
        timetable.submit_due(stage.now)
    plan(stage, due=stage.now + MINUTE)
    with django_assert_num_queries(0):
        timetable.submit_due(stage.now)


def test_a_deleted_schedule_is_gone_and_its_jobs_stay(stage):
    plan(stage, due=at_full_minute(stage))
    stage.tidy()
    delete_schedule(name="tick")

    stage.tidy(after=120)

    assert len(jobs()) == 1
    stage.run()


@pytest.fixture
def lost_task():
    """A task that the next release no longer has."""
    task("gone.tomorrow")(lambda ctx, item: item)
    yield lambda: registry._tasks.pop("gone.tomorrow", None)
    registry._tasks.pop("gone.tomorrow", None)


def test_a_task_that_is_gone_is_told_and_holds_no_other_schedule_up(stage, lost_task):
    now = at_full_minute(stage)
    plan(stage, due=now - MINUTE, job={"task": "gone.tomorrow"})
    create_schedule({"name": "good", "cron": "0 0 * * *", "job": {"task": "demo.echo"}})
    Schedule.objects.filter(name="good").update(next_run_at=now)
    lost_task()

    stage.tidy()

    assert [job.task for job in jobs()] == ["demo.echo"]
    lost = Schedule.objects.get(name="tick")
    assert "job for" in lost.note
    assert "task" in lost.note
    assert lost.next_run_at > now
    stage.run()


def test_a_time_zone_that_is_gone_disables_its_schedule(stage):
    plan(stage, due=at_full_minute(stage))
    Schedule.objects.update(timezone="Mars/Base")

    stage.tidy()

    lost = Schedule.objects.get()
    assert (lost.enabled, lost.next_run_at) == (False, None)
    assert "Mars/Base" in lost.note


def test_each_job_has_a_deadline_of_its_own(stage):
    plan(stage, due=at_full_minute(stage), job={"task": "demo.echo", "deadline": 90})

    stage.tidy()

    [job] = jobs()
    assert timedelta(seconds=88) < job.deadline - job.created_at < timedelta(seconds=240)
    stage.run()


def test_an_operator_who_changes_it_at_that_moment_wins(stage, monkeypatch):
    due = at_full_minute(stage)
    plan(stage, due=due)
    later = due + timedelta(days=1)
    real = timetable.next_time

    def meanwhile(*args, **also):
        Schedule.objects.update(next_run_at=later)
        return real(*args, **also)

    monkeypatch.setattr(timetable, "next_time", meanwhile)

    stage.tidy()

    assert (jobs(), Schedule.objects.get().next_run_at) == ([], later)


def test_an_outage_in_the_middle_leaves_the_time_to_be_run(stage, monkeypatch):
    due = at_full_minute(stage)
    plan(stage, due=due)

    def die(point):
        if point == "foreman.scheduling":
            raise KeyboardInterrupt

    monkeypatch.setattr(timetable, "crash_point", die)
    with pytest.raises(KeyboardInterrupt):
        stage.tidy()
    assert (jobs(), Schedule.objects.get().next_run_at) == ([], due)
    monkeypatch.undo()

    stage.take_over()
    stage.tidy()

    assert len(jobs()) == 1
    stage.run()
