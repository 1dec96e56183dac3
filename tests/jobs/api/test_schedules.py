"""Schedules over REST: what is made, changed, run, and refused by name."""

from datetime import UTC, datetime, timedelta

import pytest

from jobs.models import Job, Schedule
from nodes import wire
from tests.conftest import client_with

URL = "/api/v1/schedules/"
NIGHTLY = {
    "name": "nightly",
    "cron": "30 2 * * *",
    "timezone": "Europe/Berlin",
    "job": {"task": "demo.echo", "items": [1, {"a": "ü"}], "kwargs": {}, "priority": 7},
}


def post(client, body, path=URL):
    return client.post(path, body, format="json")


def patch(client, body, name="nightly"):
    return client.patch(f"{URL}{name}/", body, format="json")


@pytest.fixture
def nightly(api):
    assert post(api, NIGHTLY).status_code == 201
    return Schedule.objects.get()


def pointers(answer):
    assert answer.status_code == 400, answer.content
    return [error["pointer"] for error in answer.json()["errors"]]


def test_a_schedule_is_shown_as_it_was_made_with_its_next_run(
    api, redis, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        answer = post(api, NIGHTLY)

    view = answer.json()
    assert (answer.status_code, answer.headers["Location"]) == (201, f"{URL}nightly/")
    assert {name: view[name] for name in NIGHTLY} == NIGHTLY
    assert (view["enabled"], view["missed"], view["overlap"]) == (True, "once", "allow")
    assert (view["last_run_at"], view["last_job"], view["submitted_by"]) == (None, None, "key:test")
    due = datetime.fromisoformat(view["next_run_at"])
    assert datetime.now(UTC) < due < datetime.now(UTC) + timedelta(hours=26)
    assert due.minute == 30
    assert api.get(f"{URL}nightly/").json() == view
    [(_, fields)] = redis.xrange(wire.INBOX)
    assert fields == {b"what": b"schedule", b"subject": b"nightly"}


def test_schedules_are_listed_by_name_in_pages(api):
    for name in ("c", "a", "b"):
        post(api, {**NIGHTLY, "name": name})

    first = api.get(f"{URL}?limit=2").json()
    second = api.get(first["next"]).json()

    names = [[row["name"] for row in part["results"]] for part in (first, second)]
    assert names == [["a", "b"], ["c"]]
    assert second["next"] is None


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"name": "a b"}, "/name"),
        ({"name": "x" * 101}, "/name"),
        ({"name": None}, "/name"),
        ({"cron": "* * * *"}, "/cron"),
        ({"cron": None}, "/cron"),
        ({"timezone": "Europe"}, "/timezone"),
        ({"timezone": None}, "/timezone"),
        ({"timezone": "localtime"}, "/timezone"),
        ({"enabled": "yes"}, "/enabled"),
        ({"missed": "twice"}, "/missed"),
        ({"overlap": []}, "/overlap"),
        ({"next_run_at": "tomorrow"}, "/next_run_at"),
        ({"next_run_at": "0001-01-01T00:00:00Z"}, "/next_run_at"),
        ({"next_run_at": "2020-01-01T00:00:00Z"}, "/next_run_at"),
        ({"next_run_at": "9999-12-31T23:59:59Z"}, "/next_run_at"),
        ({"colour": "red"}, "/colour"),
        ({"job": None}, "/job"),
        ({"job": []}, "/job"),
        ({"job": {}}, "/job/task"),
        ({"job": {"task": "no.such"}}, "/job/task"),
        ({"job": {"task": "demo.echo", "priority": 11}}, "/job/priority"),
        ({"job": {"task": "demo.echo", "delay": -1}}, "/job/delay"),
        ({"job": {"task": "demo.echo", "queu": "x"}}, "/job/queu"),
        ({"job": {"task": "demo.echo", "labels": []}}, "/job/labels"),
        ({"job": {"task": "demo.echo", "deadline": "2030-01-01T00:00:00Z"}}, "/job/deadline"),
        ({"job": {"task": "demo.echo", "deadline": 0}}, "/job/deadline"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name_and_nothing_is_stored(api, wrong, pointer):
    assert pointers(post(api, {**NIGHTLY, **wrong})) == [pointer]
    assert not Schedule.objects.exists()


def test_a_job_that_is_too_large_for_a_schedule_is_refused(api):
    answer = post(api, {**NIGHTLY, "job": {"task": "demo.echo", "items": ["x" * 1024 * 1024]}})

    assert answer.status_code == 413
    assert answer.json()["errors"][0]["pointer"] == "/job"


def test_a_name_is_taken_once(api, nightly):
    assert post(api, NIGHTLY).status_code == 409
    assert Schedule.objects.count() == 1


def test_what_is_changed_counts_and_the_rest_stays(api, nightly):
    answer = patch(api, {"cron": "0 12 * * *", "missed": "all"})

    view = answer.json()
    assert (view["cron"], view["missed"], view["job"]) == ("0 12 * * *", "all", NIGHTLY["job"])
    assert datetime.fromisoformat(view["next_run_at"]).minute == 0


def test_a_change_of_the_job_leaves_its_times_alone(api, nightly):
    due = datetime(2030, 1, 1, tzinfo=UTC)
    Schedule.objects.update(next_run_at=due)

    assert patch(api, {"job": {"task": "demo.sleep"}}).status_code == 200

    assert Schedule.objects.get().next_run_at == due


def test_the_next_run_can_be_put_off(api, nightly):
    view = patch(api, {"next_run_at": "2031-05-01T00:00:00+02:00"}).json()

    assert view["next_run_at"] == "2031-04-30T22:00:00Z"


def test_a_disabled_schedule_has_no_next_run(api, nightly):
    assert patch(api, {"enabled": False}).json()["next_run_at"] is None
    assert patch(api, {"enabled": True}).json()["next_run_at"]


def test_wrong_changes_are_refused_by_name_and_nothing_is_stored(api, nightly):
    assert pointers(patch(api, {"missed": "all", "cron": "x"})) == ["/cron"]
    assert pointers(patch(api, {"name": "other"})) == ["/name"]

    fresh = Schedule.objects.get()
    assert (fresh.name, fresh.missed) == ("nightly", "once")


def test_it_can_be_run_besides_its_times_on_the_callers_account(api, nightly):
    due = nightly.next_run_at

    answer = api.post(f"{URL}nightly/run/")

    job = Job.objects.get()
    assert (answer.status_code, answer.json()["id"]) == (202, job.pk)
    assert (job.priority, job.total, job.labels) == (7, 2, {"schedule": "nightly"})
    fresh = Schedule.objects.get()
    assert (fresh.last_job, fresh.last_run_at, fresh.next_run_at) == (job.pk, job.created_at, due)
    [found] = api.get(api.get(f"{URL}nightly/").json()["links"]["jobs"]).json()["results"]
    assert found["id"] == job.pk


def test_a_deleted_schedule_is_gone(api, nightly):
    assert api.delete(f"{URL}nightly/").status_code == 204
    assert api.delete(f"{URL}nightly/").status_code == 404


@pytest.mark.parametrize("verb", ["get", "patch", "delete"])
def test_a_schedule_that_does_not_exist_is_not_found(api, verb):
    assert getattr(api, verb)(f"{URL}nobody/", {}, format="json").status_code == 404
    assert api.post(f"{URL}nobody/run/").status_code == 404


def test_making_and_running_takes_the_scope_submit(db, redis, api, nightly):
    reader = client_with("read")

    assert reader.get(f"{URL}nightly/").status_code == 200
    assert post(reader, {**NIGHTLY, "name": "other"}).status_code == 403
    assert reader.post(f"{URL}nightly/run/").status_code == 403
    assert reader.delete(f"{URL}nightly/").status_code == 403
