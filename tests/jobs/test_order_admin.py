"""The operator's pages of schedules and limits."""

import pytest

from jobs.models import Job, Schedule, TaskLimit
from jobs.services import create_schedule, set_limits
from nodes import wire

pytestmark = pytest.mark.usefixtures("db", "redis")
SCHEDULES, LIMITS = "/admin/jobs/schedule/", "/admin/jobs/tasklimit/"
NIGHTLY = {
    "name": "nightly",
    "cron": "0 2 * * *",
    "timezone": "Europe/Berlin",
    "job": '{"task": "demo.echo", "items": [1, 2]}',
    "enabled": "on",
    "missed": "once",
    "overlap": "skip",
}


@pytest.fixture
def nightly():
    return create_schedule({"name": "nightly", "cron": "0 2 * * *", "job": {"task": "demo.echo"}})


def page_of(schedule):
    return f"{SCHEDULES}{schedule.pk}/change/"


def act(client, action, path, *chosen):
    rows = [row.pk for row in chosen]
    return client.post(path, {"action": action, "_selected_action": rows}, follow=True)


def test_a_schedule_is_made_in_a_form(admin_client, redis, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        answer = admin_client.post(f"{SCHEDULES}add/", NIGHTLY)

    assert answer.status_code == 302, answer.content.decode()
    made = Schedule.objects.get()
    assert (made.name, made.overlap, made.submitted_by) == ("nightly", "skip", "admin")
    assert made.next_run_at
    assert [fields[b"what"] for _, fields in redis.xrange(wire.INBOX)] == [b"schedule"]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"cron": "* * * *"}, "five fields"),
        ({"timezone": "Mars/Base"}, "no time zone"),
        ({"name": "a b"}, "letters, digits"),
        ({"job": "{"}, "no JSON"),
        ({"job": "[]"}, "give an object"),
        ({"job": '{"task": "demo.echo", "priority": 11}'}, "priority: 11"),
    ],
)
def test_what_makes_no_sense_is_told_at_its_field(admin_client, wrong, said):
    page = admin_client.post(f"{SCHEDULES}add/", {**NIGHTLY, **wrong})

    [errors] = page.context["adminform"].form.errors.values()
    assert said in errors[0]
    assert list(page.context["adminform"].form.errors) == list(wrong)
    assert not Schedule.objects.exists()


def test_a_name_that_is_taken_is_told_at_its_field(admin_client, nightly):
    page = admin_client.post(f"{SCHEDULES}add/", NIGHTLY)

    assert list(page.context["adminform"].form.errors) == ["name"]


def test_a_schedule_is_changed_in_a_form_and_keeps_its_name(admin_client, nightly):
    before = nightly.next_run_at
    assert admin_client.get(page_of(nightly)).status_code == 200

    answer = admin_client.post(page_of(nightly), {**NIGHTLY, "name": "other", "cron": "5 5 * * *"})

    assert answer.status_code == 302, answer.content.decode()
    fresh = Schedule.objects.get()
    assert (fresh.name, fresh.cron, fresh.timezone) == ("nightly", "5 5 * * *", "Europe/Berlin")
    assert fresh.next_run_at != before


def test_a_change_of_nothing_undoes_nothing_that_the_foreman_wrote(admin_client, nightly):
    wish = {**NIGHTLY, "timezone": "UTC", "overlap": "allow", "job": nightly.job}
    Schedule.objects.update(note="fine", last_job="job_x")

    admin_client.post(page_of(nightly), wish)

    fresh = Schedule.objects.get()
    assert (fresh.note, fresh.last_job) == ("fine", "job_x")
    assert fresh.next_run_at == nightly.next_run_at


def test_schedules_are_run_disabled_and_enabled_by_actions(admin_client, nightly):
    act(admin_client, "run", SCHEDULES, nightly)
    assert (Job.objects.get().task, Job.objects.get().submitted_by) == ("demo.echo", "admin")
    page = admin_client.get(SCHEDULES).content.decode()
    assert f"/admin/jobs/job/{Job.objects.get().pk}/change/" in page

    act(admin_client, "disable", SCHEDULES, nightly)
    assert Schedule.objects.get().next_run_at is None
    act(admin_client, "enable", SCHEDULES, nightly)
    assert Schedule.objects.get().next_run_at


def test_a_schedule_that_cannot_be_run_any_more_is_told(admin_client, nightly):
    Schedule.objects.update(job='{"task": "no.such"}')

    page = act(admin_client, "run", SCHEDULES, nightly)

    assert "no task is named" in page.content.decode()
    assert not Job.objects.exists()


def test_limits_are_set_changed_and_dropped_in_forms(
    admin_client, redis, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        admin_client.post(f"{LIMITS}add/", {"task": "demo.echo", "rate": "5/minute"})
    row = TaskLimit.objects.get()
    assert (row.task, row.rate, row.concurrency) == ("demo.echo", "5/minute", None)
    assert [fields[b"what"] for _, fields in redis.xrange(wire.INBOX)] == [b"limits"]

    admin_client.post(f"{LIMITS}demo.echo/change/", {"rate": "", "concurrency": "3"})
    row = TaskLimit.objects.get()
    assert (row.rate, row.concurrency) == ("", 3)
    admin_client.post(f"{LIMITS}demo.echo/delete/", {"post": "yes"})
    assert not TaskLimit.objects.exists()


@pytest.mark.parametrize(
    ("wrong", "field"),
    [({"rate": "fast"}, "rate"), ({"concurrency": "0"}, "concurrency"), ({"task": "no.x"}, "task")],
)
def test_what_is_no_limit_is_told_at_its_field(admin_client, wrong, field):
    page = admin_client.post(f"{LIMITS}add/", {"task": "demo.echo", "concurrency": "1", **wrong})

    assert list(page.context["adminform"].form.errors) == [field]
    assert not TaskLimit.objects.exists()


def test_several_limits_are_dropped_at_once(admin_client):
    for task in ("demo.echo", "demo.sleep"):
        set_limits(task=task, concurrency=1)

    chosen = {"action": "delete_selected", "_selected_action": ["demo.echo", "demo.sleep"]}
    admin_client.post(LIMITS, {**chosen, "post": "yes"})

    assert not TaskLimit.objects.exists()
