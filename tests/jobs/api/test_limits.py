"""Limits of tasks over REST."""

import pytest

from jobs.models import TaskLimit
from jobs.registry import registry, task
from nodes import wire
from tests.conftest import client_with

URL = "/api/v1/tasks/few.only/limits/"


@pytest.fixture(autouse=True)
def few():
    """A task whose code says what it may."""
    task("few.only", rate="10/second", concurrency=5)(lambda ctx, item: item)
    yield
    registry._tasks.pop("few.only")


def patch(client, body, url=URL):
    return client.patch(url, body, format="json")


def listed(client):
    rows = client.get("/api/v1/tasks/").json()["results"]
    return next(row["limits"] for row in rows if row["name"] == "few.only")


def test_tasks_are_listed_with_the_limits_that_count(api):
    before = {"rate": "10/second", "concurrency": 5, "set_by_operator": False}
    assert (listed(api), api.get(URL).json()) == (before, before)

    patch(api, {"concurrency": 2})

    after = {"rate": "10/second", "concurrency": 2, "set_by_operator": True}
    assert (listed(api), api.get(URL).json()) == (after, after)


def test_the_leader_is_told(api, redis, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        patch(api, {"rate": "1/hour"})

    [(_, fields)] = redis.xrange(wire.INBOX)
    assert fields == {b"what": b"limits", b"subject": b"few.only"}


def test_null_is_no_limit_and_delete_goes_back_to_the_code(api):
    none = {"rate": None, "concurrency": None, "set_by_operator": True}
    assert patch(api, {"rate": None, "concurrency": None}).json() == none

    back = {"rate": "10/second", "concurrency": 5, "set_by_operator": False}
    assert api.delete(URL).json() == back
    assert api.delete(URL).json() == back


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"rate": "fast"}, "/rate"),
        ({"rate": 10}, "/rate"),
        ({"rate": "0/second"}, "/rate"),
        ({"concurrency": 0}, "/concurrency"),
        ({"concurrency": "5"}, "/concurrency"),
        ({"concurrency": True}, "/concurrency"),
        ({"speed": 1}, "/speed"),
    ],
)
def test_what_is_no_limit_is_refused_by_name_and_nothing_is_stored(api, body, pointer):
    answer = patch(api, {"concurrency": 3, **body})

    assert answer.status_code == 400
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert not TaskLimit.objects.exists()


def test_a_task_that_does_not_exist_has_no_limits(api):
    for verb in (api.get, api.delete):
        assert verb("/api/v1/tasks/no.such/limits/").status_code == 404
    assert patch(api, {"concurrency": 1}, "/api/v1/tasks/no.such/limits/").status_code == 404


def test_setting_limits_takes_the_scope_control(db, redis):
    submitter = client_with("read", "submit")

    assert submitter.get(URL).status_code == 200
    assert patch(submitter, {"concurrency": 1}).status_code == 403
    assert submitter.delete(URL).status_code == 403
