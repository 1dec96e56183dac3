"""Submitting jobs over REST: what is stored, what is refused, and how the refusal reads."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, connections

from jobs.models import Job, Subtask
from nodes import inbox, wire
from tests.conftest import client_with

URL = "/api/v1/jobs/"


def post(client, body, **headers):
    return client.post(URL, body, format="json", headers=headers)


def test_a_job_is_stored_whole_and_the_foreman_is_woken(
    api, redis, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        answer = post(api, {"task": "demo.echo", "items": ["a", {"b": [1]}], "priority": 7})

    job = Job.objects.get()
    assert answer.status_code == 202
    assert answer.headers["Location"] == f"http://testserver{URL}{job.pk}/"
    assert answer.json()["progress"]["waiting"] == 2
    assert list(job.subtasks.values_list("index", "item")) == [(0, '"a"'), (1, '{"b":[1]}')]
    [(_, fields)] = redis.xrange(wire.INBOX)
    assert fields == {b"what": b"job", b"subject": job.pk.encode()}


def test_a_job_is_accepted_while_redis_is_away(api, monkeypatch):
    monkeypatch.setattr(inbox, "_client", None)  # the settings of tests name a port nobody has

    assert post(api, {"task": "demo.echo"}).status_code == 202
    assert Job.objects.count() == 1


def test_without_items_there_is_one_subtask_with_null(api):
    post(api, {"task": "demo.echo"})

    assert Subtask.objects.get().item == "null"


def test_a_job_of_no_items_has_succeeded_already(api):
    assert post(api, {"task": "demo.echo", "items": []}).json()["state"] == "succeeded"


def test_a_reduction_waits_behind_the_items_and_is_not_counted(api):
    answer = post(api, {"task": "text.word_count", "items": ["a"], "reduce": "text.merge_counts"})

    assert answer.json()["progress"]["total"] == 1
    assert list(Subtask.objects.values_list("role", "state")) == [
        ("map", "waiting"),
        ("reduce", "blocked"),
    ]


def test_the_tasks_own_options_are_the_defaults_of_its_jobs(api):
    post(api, {"task": "articles.summarise", "items": []})
    post(api, {"task": "articles.summarise", "items": [], "timeout": 5, "retries": 0})

    by_age = Job.objects.order_by("pk")
    assert [(job.timeout, job.retries) for job in by_age] == [(60, 3), (5, 0)]


@pytest.mark.parametrize(
    ("body", "status", "pointer"),
    [
        ({"task": "no.such"}, 400, "/task"),
        ({"items": [1]}, 400, "/task"),
        ({"task": "demo.echo", "items": {"a": 1}}, 400, "/items"),
        ({"task": "demo.echo", "items": [0] * 100_001}, 413, "/items"),
        ({"task": "demo.echo", "itmes": []}, 400, "/itmes"),
        ({"task": "demo.echo", "kwargs": [1]}, 400, "/kwargs"),
        ({"task": "demo.echo", "priority": 11}, 400, "/priority"),
        ({"task": "demo.echo", "priority": True}, 400, "/priority"),
        ({"task": "demo.echo", "queue": "express"}, 400, "/queue"),
        ({"task": "demo.echo", "timeout": 0}, 400, "/timeout"),
        ({"task": "demo.echo", "retries": -1}, 400, "/retries"),
        ({"task": "demo.echo", "reduce": "no.such"}, 400, "/reduce"),
        ({"task": "demo.echo", "on_error": "shrug"}, 400, "/on_error"),
        ({"task": "demo.echo", "requires": {"gpus": 1}}, 400, "/requires/gpus"),
        ({"task": "demo.echo", "requires": {"gpu": "one"}}, 400, "/requires/gpu"),
        ({"task": "demo.echo", "deadline": "soon"}, 400, "/deadline"),
        ({"task": "demo.echo", "deadline": "2001-01-01T00:00:00Z"}, 400, "/deadline"),
        ({"task": "demo.echo", "items": ["ok", "\ud800"]}, 400, "/items/1"),
        ({"task": "demo.echo", "items": ["a\0b"]}, 400, "/items/0"),
        ({"task": "demo.echo", "depends_on": ["job_1"]}, 400, "/depends_on"),
        ({"task": "demo.echo", "webhook": "http://127.0.0.1/"}, 400, "/webhook"),
    ],
)
def test_what_is_wrong_is_refused_by_the_name_of_its_field_and_nothing_is_stored(
    api, body, status, pointer
):
    answer = api.post(URL, json.dumps(body), content_type="application/json")

    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["status"] == status
    assert answer.json()["errors"][0]["pointer"] == pointer
    assert not Job.objects.exists()


@pytest.mark.parametrize(
    ("body", "type", "status"),
    [
        (b'{"task": ', "application/json", 400),
        (b'{"task": "demo.echo", "items": [NaN]}', "application/json", 400),
        (b"[1]", "application/json", 400),
        (b"[" * 100_000, "application/json", 400),
        (b"task=demo.echo", "application/x-www-form-urlencoded", 415),
        (b"x" * (32 * 2**20 + 1), "application/json", 413),
    ],
)
def test_what_is_no_json_object_is_refused(api, body, type, status):
    answer = api.post(URL, body, content_type=type)

    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert not Job.objects.exists()


def test_no_key_a_wrong_key_and_a_missing_scope_are_told_apart(db, redis):
    nobody, stranger, reader = client_with("read"), client_with("read"), client_with("read")
    nobody.credentials()
    stranger.credentials(HTTP_AUTHORIZATION="Bearer hive_guessed")

    answers = [post(client, {"task": "demo.echo"}) for client in (nobody, stranger, reader)]

    assert [answer.status_code for answer in answers] == [401, 401, 403]
    assert answers[0].headers["WWW-Authenticate"].startswith("Bearer")
    assert "'submit'" in answers[2].json()["detail"]
    assert not Job.objects.exists()


def test_the_same_key_and_body_get_the_same_answer_and_one_job(api):
    first = post(api, {"task": "demo.echo"}, **{"Idempotency-Key": "k"})
    again = post(api, {"task": "demo.echo"}, **{"Idempotency-Key": "k"})

    assert again.json()["id"] == first.json()["id"]
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert Job.objects.count() == 1


@pytest.mark.parametrize("key", ["", "é", "no\ttab", "x" * 256])
def test_a_key_that_the_document_does_not_allow_is_refused(api, key):
    answer = post(api, {"task": "demo.echo"}, **{"Idempotency-Key": key})

    assert answer.status_code == 400
    assert not Job.objects.exists()


def test_the_same_key_with_another_body_is_refused(api):
    post(api, {"task": "demo.echo"}, **{"Idempotency-Key": "k"})

    answer = post(api, {"task": "demo.echo", "items": [2]}, **{"Idempotency-Key": "k"})

    assert answer.status_code == 422
    assert Job.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_fifty_equal_requests_at_once_make_one_job(redis):
    clients = [client_with("submit")] * 50

    def submit(client):
        try:
            return post(client, {"task": "demo.echo"}, **{"Idempotency-Key": "k"}).status_code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(submit, clients))

    assert connection.vendor  # the pool's threads closed only their own connections
    assert set(statuses) == {202}
    assert Job.objects.count() == 1
