"""A subtask's page, which is a drawer on the job's."""

import pytest
from django.contrib.admin.models import LogEntry

from jobs.models import Subtask
from jobs.services import submit_job
from nodes.roles import give_role
from tests.hive_site.pages.scenes import ended_job, say

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis")]


def read(client, path: str) -> str:
    return client.get(path).content.decode()


def test_a_plain_first_success_is_told_as_such(admin_client):
    ended_job(1)

    page = read(admin_client, "/jobs/job_ended/subtasks/0/")

    assert "It succeeded at the first try, on spore-0." in page
    assert "result 0" in page


def test_every_try_shows_with_its_node_and_error(admin_client):
    job = ended_job(1, failed=1)
    say(job.subtasks.get(), "where are they?")

    page = read(admin_client, "/jobs/job_ended/subtasks/0/")

    assert page.count("ValueError no bees") == 2
    assert "where are they?" in page
    assert "/api/v1/jobs/job_ended/subtasks/0/log/" in page


def test_one_that_waits_says_why(admin_client):
    job = submit_job(task="demo.echo")

    page = read(admin_client, f"/jobs/{job.pk}/subtasks/0/")

    assert "It waits: no Foreman leads just now" in page
    assert "It was not tried yet." in page


def test_one_that_does_not_exist_is_a_sentence(admin_client):
    ended_job(3)

    answer = admin_client.get("/jobs/job_ended/subtasks/3/")

    assert answer.status_code == 404
    assert "no subtask 3; it has 3 items" in answer.content.decode()


def quarantine() -> Subtask:
    row = ended_job(1, failed=1).subtasks.get()
    Subtask.objects.filter(pk=row.pk).update(state="quarantined")
    return row


def test_a_quarantined_one_is_released_by_who_may_and_that_is_kept(admin_client):
    row = quarantine()
    path = "/jobs/job_ended/subtasks/0/"

    assert f'action="{path}release/"' in read(admin_client, path)
    admin_client.post(f"{path}release/")

    row.refresh_from_db()
    assert row.state == "waiting"
    assert LogEntry.objects.get().change_message == "released subtask 0 from quarantine"


def test_releasing_takes_a_permission_and_a_post(client, django_user_model):
    row = quarantine()
    user = django_user_model.objects.create_user("vera")
    give_role(user, "viewer")
    path = "/jobs/job_ended/subtasks/0/"
    assert client.post(f"{path}release/").headers["Location"].startswith("/login/")
    client.force_login(user)

    assert "release/" not in read(client, path)
    assert client.post(f"{path}release/").status_code == 403
    assert client.get(f"{path}release/").status_code == 405
    row.refresh_from_db()
    assert row.state == "quarantined"


def test_what_is_not_quarantined_is_not_released(admin_client):
    ended_job(1)

    page = admin_client.post("/jobs/job_ended/subtasks/0/release/", follow=True).content.decode()

    assert "only quarantined ones are released" in page
    assert not LogEntry.objects.exists()
