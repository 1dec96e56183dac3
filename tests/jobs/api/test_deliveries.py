"""Webhooks over REST and in the admin."""

import pytest

from jobs.models import Delivery
from jobs.services import submit_job
from tests.conftest import client_with

pytestmark = pytest.mark.django_db
URL, HOOK = "/api/v1/deliveries/", "https://example.org/hook"


@pytest.fixture
def job(redis):
    """A job that ended and asked for it."""
    return submit_job(task="demo.echo", items=[], webhook=HOOK)


def test_a_job_shows_where_it_is_told_and_what_became_of_it(api, job):
    view = api.get(f"/api/v1/jobs/{job.pk}/").json()

    [row] = api.get(view["links"]["deliveries"]).json()["results"]
    assert view["webhook"] == HOOK
    assert (row["job"], row["url"], row["state"], row["tries"]) == (job.pk, HOOK, "pending", 0)
    assert (row["status"], row["ended_at"]) == (None, None)
    assert api.get(f"{URL}{row['id']}/").json() == row


def test_a_job_that_asked_for_nothing_has_none(api, redis):
    job = submit_job(task="demo.echo", items=[1])

    view = api.get(f"/api/v1/jobs/{job.pk}/").json()

    assert view["webhook"] is None
    assert api.get(view["links"]["deliveries"]).json() == {"results": [], "next": None}


def test_the_list_has_filters_and_pages(api, job):
    later = [submit_job(task="demo.echo", items=[], webhook=HOOK).pk for _ in range(2)]
    Delivery.objects.filter(job=job.pk).update(state="failed")

    failed = api.get(f"{URL}?state=failed").json()["results"]
    first = api.get(f"{URL}?limit=2").json()
    second = api.get(first["next"]).json()

    assert [row["job"] for row in failed] == [job.pk]
    seen = [row["job"] for row in first["results"] + second["results"]]
    assert seen == [*reversed(later), job.pk]
    assert api.get(f"{URL}?state=lost").json()["errors"][0]["pointer"] == "/state"


def test_what_failed_can_be_sent_again(api, job):
    Delivery.objects.update(state="failed", tries=8)
    row = Delivery.objects.get()

    answer = api.post(f"{URL}{row.pk}/retry/")

    row.refresh_from_db()
    assert (answer.status_code, answer.json()["state"]) == (202, "pending")
    assert (row.state, row.tries, row.ended_at) == ("pending", 0, None)


def test_what_was_delivered_is_not_sent_again(api, job):
    Delivery.objects.update(state="delivered", body="")
    row = Delivery.objects.get()

    assert api.post(f"{URL}{row.pk}/retry/").status_code == 409
    assert api.post(f"{URL}msg_none/retry/").status_code == 404
    assert api.get(f"{URL}msg_none/").status_code == 404


def test_reading_takes_one_scope_and_sending_another(job):
    row = Delivery.objects.get()

    assert client_with("read").get(URL).status_code == 200
    assert client_with("read").post(f"{URL}{row.pk}/retry/").status_code == 403
    assert client_with("submit").post(f"{URL}{row.pk}/retry/").status_code == 202


def test_the_admin_lists_them_and_sends_again_what_failed(admin_client, job):
    Delivery.objects.update(state="failed", tries=8)
    delivered = submit_job(task="demo.echo", items=[], webhook=HOOK)
    Delivery.objects.filter(job=delivered.pk).update(state="delivered")
    chosen = {"action": "retry", "_selected_action": [row.pk for row in Delivery.objects.all()]}

    page = admin_client.post("/admin/jobs/delivery/", chosen, follow=True).content.decode()

    assert "Send again now: " in page
    assert "was delivered; its body is not kept" in page
    assert Delivery.objects.get(job=job.pk).state == "pending"
    pk = Delivery.objects.get(job=job.pk).pk
    assert "example.org" in admin_client.get(f"/admin/jobs/delivery/{pk}/change/").content.decode()
