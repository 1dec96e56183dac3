"""Callers that ask too much."""

import pytest

from hive_site.kernel.limits import Limiter, parse_rate
from jobs.models import Job
from nodes.api import throttling


@pytest.fixture
def two_a_minute(monkeypatch, redis):
    limiter = Limiter("api", parse_rate("2/minute"), client=lambda: redis)
    monkeypatch.setattr(throttling, "limiter", limiter)


def test_who_asks_too_often_is_told_when_to_come_back(api, two_a_minute):
    answers = [api.get("/api/v1/jobs/") for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[2].headers["Content-Type"] == "application/problem+json"
    assert 1 <= int(answers[2].headers["Retry-After"]) <= 60
    assert answers[2].json()["title"] == "Too many requests"


def test_what_is_refused_is_not_stored(api, two_a_minute):
    wish = {"task": "demo.echo", "items": [1]}
    for _ in range(4):
        api.post("/api/v1/jobs/", wish, format="json")

    assert Job.objects.count() == 2


def test_one_caller_does_not_use_up_what_another_has(api, two_a_minute, admin_client):
    for _ in range(3):
        api.get("/api/v1/jobs/")

    assert admin_client.get("/api/v1/jobs/").status_code == 200


def test_without_a_rate_nobody_is_counted(api, monkeypatch):
    monkeypatch.setattr(throttling, "limiter", None)

    assert api.get("/api/v1/jobs/").status_code == 200
