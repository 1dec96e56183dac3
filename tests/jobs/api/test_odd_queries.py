"""Queries that somebody made up, or that a library put together in its own way."""

import base64

import pytest

from jobs.services import submit_job

URL = "/api/v1/jobs/"
MANY_DIGITS = "9" * 5000


@pytest.mark.parametrize("name", ["contains", "isnull", "range", "in", "regex", "a__b", "x.y/z"])
def test_a_label_is_found_whatever_it_is_called(api, name):
    job = submit_job(task="demo.echo", labels={name: "blue"})
    submit_job(task="demo.echo", labels={name: "green"})

    page = api.get(URL, {f"label.{name}": "blue"}).json()

    assert [row["id"] for row in page["results"]] == [job.pk]


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("", {"limit": MANY_DIGITS}),
        ("", {"cursor": base64.urlsafe_b64encode(b"\0\0\0").decode()}),
        ("results/", {"cursor": base64.urlsafe_b64encode(MANY_DIGITS.encode()).decode()}),
        ("results/", {"cursor": base64.urlsafe_b64encode("²".encode()).decode()}),
    ],
)
def test_a_number_or_cursor_that_nobody_can_read_is_refused(api, path, query):
    job = submit_job(task="demo.echo")

    answer = api.get(f"{URL}{job.pk}/{path}" if path else URL, query)

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == f"/{next(iter(query))}"
