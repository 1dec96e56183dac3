"""What people do over REST is on record; what programs do, what is refused and dry runs are not."""

import pytest
from django.contrib.admin.models import ADDITION, CHANGE, DELETION, LogEntry

from jobs.services import submit_job
from nodes.models import Node
from tests.conftest import client_with
from tests.people import browser_of

pytestmark = pytest.mark.usefixtures("db", "redis")
JSON = "application/json"


@pytest.fixture
def admin(redis):
    return browser_of("admin")


@pytest.fixture
def job(redis):
    return submit_job(task="demo.echo", items=[1])


def kept():
    rows = LogEntry.objects.order_by("pk")
    return [(row.action_flag, row.object_repr, row.change_message) for row in rows]


def test_a_verb_is_kept_with_who_used_it_and_what_on(admin, job):
    admin.post(f"/api/v1/jobs/{job.pk}/cancel/")

    assert kept() == [(CHANGE, str(job), f"POST /api/v1/jobs/{job.pk}/cancel/")]
    row = LogEntry.objects.get()
    assert (row.user.username, row.object_id) == ("admin", job.pk)
    assert admin.get(row.get_admin_url()).status_code == 200


def test_what_is_made_is_kept_by_its_name(admin):
    wish = {"name": "nightly", "cron": "0 3 * * *", "job": {"task": "demo.echo", "items": [1]}}

    made = admin.post("/api/v1/schedules/", wish, JSON)

    assert made.status_code == 201
    assert kept() == [(ADDITION, "nightly", "POST /api/v1/schedules/")]


def test_what_is_deleted_is_kept_by_the_name_it_had(admin):
    Node.objects.create(name="spore-1", state="lost")

    admin.delete("/api/v1/nodes/spore-1/")

    assert kept() == [(DELETION, "spore-1", "DELETE /api/v1/nodes/spore-1/")]


def test_another_scheme_beside_the_session_hides_nothing(admin):
    admin.post("/api/v1/queues/background/pause/", headers={"Authorization": "Basic YTpi"})

    assert kept() == [(CHANGE, "background", "POST /api/v1/queues/background/pause/")]


def test_what_is_about_many_is_kept_without_one(admin, job):
    admin.post("/api/v1/jobs/cancel/", {"filter": {"state": "queued"}}, JSON)

    assert kept() == [(CHANGE, "admin", "POST /api/v1/jobs/cancel/")]


def test_nothing_is_kept_of_what_was_not_done(admin, job):
    look = {"filter": {"state": "queued"}, "dry_run": True}
    viewer = browser_of("viewer")

    assert admin.post("/api/v1/jobs/cancel/", look, JSON).status_code == 200
    assert admin.post("/api/v1/jobs/none/cancel/").status_code == 404
    assert viewer.post(f"/api/v1/jobs/{job.pk}/cancel/").status_code == 403
    assert admin.get("/api/v1/jobs/").status_code == 200
    assert not kept()


def test_what_a_program_does_is_not_a_persons(job):
    assert client_with("submit").post(f"/api/v1/jobs/{job.pk}/cancel/").status_code == 202

    assert not kept()


def test_who_is_nobody_is_refused_as_ever(client, job):
    assert client.post(f"/api/v1/jobs/{job.pk}/cancel/").status_code == 401

    assert not kept()
