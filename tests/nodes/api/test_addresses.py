"""Requests that miss: without a slash, or for a site of another name."""

import pytest


@pytest.mark.parametrize("method", ["get", "post"])
def test_without_its_last_slash_an_address_keeps_method_and_body(api, method):
    answer = getattr(api, method)("/api/v1/jobs?limit=1", {}, format="json")

    assert (answer.status_code, answer.headers["Location"]) == (308, "/api/v1/jobs/?limit=1")


def test_a_post_without_its_slash_submits_a_job(api):
    body = {"task": "demo.echo"}

    answer = api.post("/api/v1/jobs", body, format="json", follow=True)

    assert (answer.status_code, answer.json()["task"]) == (202, "demo.echo")


def test_a_name_that_nobody_allowed_is_a_problem_on_the_api_and_a_line_elsewhere(api):
    problem = api.get("/api/v1/jobs/", HTTP_HOST="evil.example")
    page = api.get("/login/", HTTP_HOST="evil.example")

    assert (problem.status_code, page.status_code) == (400, 400)
    assert problem.headers["Content-Type"] == "application/problem+json"
    assert b"evil" not in problem.content + page.content
