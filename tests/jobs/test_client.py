"""The client against a Nexus that answers what a test tells it to."""

import subprocess
import sys

import pytest

from hive_site.configuration import PROJECT
from jobs.client import Hive, HiveError, JobFailed
from tests.jobs.nexus import DONE, RUNNING, answering


@pytest.fixture
def nexus():
    with answering() as server:
        yield server


@pytest.fixture
def hive(nexus):
    return Hive(nexus.url + "/", "hive_secret")


def test_a_job_is_submitted_with_its_options_and_the_key(nexus, hive):
    nexus.will(RUNNING, 202)

    job = hive.submit("demo.echo", [1], priority=9)

    assert job == RUNNING
    assert nexus.asked == [("POST", "/api/v1/jobs/")]
    assert nexus.bodies == [{"task": "demo.echo", "items": [1], "priority": 9}]
    assert nexus.keys == ["Bearer hive_secret"]


@pytest.mark.parametrize(("items", "sent"), [(None, {}), ([], {"items": []})])
def test_no_items_are_not_an_empty_list_of_items(nexus, hive, items, sent):
    nexus.will(DONE, 202)

    hive.submit("demo.echo", items)

    assert nexus.bodies == [{"task": "demo.echo", **sent}]


def test_a_map_waits_and_gives_the_results_in_order(nexus, hive):
    nexus.will(RUNNING, 202)
    nexus.will(RUNNING)
    nexus.will(DONE)
    nexus.will({"results": [{"result": "a"}], "next": "/api/v1/jobs/job_1/results/?cursor=x"})
    nexus.will({"results": [{"result": "b"}], "next": None})

    assert hive.map("demo.echo", ["a", "b"]) == ["a", "b"]

    assert [path.partition("jobs/")[2] for _, path in nexus.asked] == [
        "",
        "job_1/?wait=30",
        "job_1/?wait=30",
        "job_1/results/",
        "job_1/results/?cursor=x",
    ]


def test_pages_may_be_named_with_their_host(nexus, hive):
    nexus.will({"results": [1], "next": f"{nexus.url}/api/v1/jobs/job_1/results/?cursor=x"})
    nexus.will({"results": [2], "next": None})

    assert list(hive.results("job_1")) == [1, 2]


def test_a_query_may_hold_an_address(nexus, hive):
    nexus.will({"results": []})

    hive.request("GET", "jobs/?label.url=http://b.example/")

    assert nexus.asked == [("GET", "/api/v1/jobs/?label.url=http://b.example/")]


def test_waiting_ends_in_time_with_the_state_of_the_job(nexus, hive):
    nexus.will(RUNNING)

    with pytest.raises(TimeoutError, match="job_1 is running after 0 s"):
        hive.wait("job_1", 0)
    assert nexus.asked == [("GET", "/api/v1/jobs/job_1/")]


@pytest.mark.parametrize("timeout", [None, 3600])
def test_no_request_waits_longer_than_proxies_do(nexus, hive, timeout):
    nexus.will(DONE)

    hive.wait("job_1", timeout)

    assert nexus.asked == [("GET", "/api/v1/jobs/job_1/?wait=30")]


@pytest.mark.parametrize("state", ["succeeded", "partial", "failed", "cancelled"])
def test_waiting_ends_with_the_job_however_it_ended(nexus, hive, state):
    nexus.will({**DONE, "state": state})

    assert hive.wait("job_1", 5)["state"] == state


def test_a_map_that_failed_tells_why_and_keeps_the_job(nexus, hive):
    failed = {**DONE, "state": "failed", "error": {"message": "no luck"}}
    nexus.will(RUNNING, 202)
    nexus.will(failed)

    with pytest.raises(JobFailed, match="job_1 failed: no luck") as caught:
        hive.map("demo.fail", ["no luck"])
    assert caught.value.job == failed


def test_a_map_that_failed_in_part_tells_how_much_of_it_did(nexus, hive):
    progress = {"total": 3, "failed": 2}
    nexus.will(RUNNING, 202)
    nexus.will({**DONE, "state": "partial", "progress": progress})

    with pytest.raises(JobFailed, match="job_1 partial: 2 of 3 subtasks failed"):
        hive.map("demo.fail", [1, 2, 3])


def test_cancelling_is_a_post_without_a_body(nexus, hive):
    nexus.will({**RUNNING, "state": "cancelling"}, 202)

    assert hive.cancel("job_1")["state"] == "cancelling"
    assert nexus.asked == [("POST", "/api/v1/jobs/job_1/cancel/")]
    assert nexus.bodies == [None]


def test_a_refusal_says_what_the_nexus_said_and_where(nexus, hive):
    errors = [{"pointer": "/priority", "detail": "give 0 to 10"}]
    problem = {"title": "Bad Request", "detail": "wrong input", "errors": errors}
    nexus.will(problem, 400)

    with pytest.raises(HiveError) as caught:
        hive.submit("demo.echo", priority=11)

    assert str(caught.value) == "400: wrong input; /priority: give 0 to 10"
    assert (caught.value.status, caught.value.problem) == (400, problem)


@pytest.mark.parametrize(
    ("body", "said"), [(b"<h1>Bad Gateway</h1>", "Bad Gateway"), (b"", "no reason given")]
)
def test_a_refusal_by_somebody_in_between_is_told_as_it_is(nexus, hive, body, said):
    nexus.will(body, 502)

    with pytest.raises(HiveError, match=f"502: .*{said}"):
        hive.cancel("job_1")


@pytest.mark.parametrize("status", [429, 503])
def test_whoever_is_told_to_come_back_later_decides_that_for_themselves(nexus, hive, status):
    nexus.will({"detail": "later"}, status, Retry_After="3600")

    with pytest.raises(HiveError, match=f"{status}: later"):
        hive.job("job_1")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (["a"], r"\['a'\]"),
        ({"errors": ["x", {"pointer": "/y"}]}, r"no reason given; x; \{'pointer': '/y'\}"),
        ({"detail": "no", "errors": "many"}, "no"),
        (None, "None"),
    ],
)
def test_a_refusal_of_any_shape_is_a_refusal(nexus, hive, body, said):
    nexus.will(body, 500)

    with pytest.raises(HiveError, match=f"^500: {said}$"):
        hive.job("job_1")


def test_an_option_may_be_called_anything(nexus, hive):
    nexus.will(RUNNING, 202)

    hive.submit("demo.echo", [1], **{"self": 2, "job": 3})

    assert nexus.bodies == [{"task": "demo.echo", "items": [1], "self": 2, "job": 3}]


def test_an_answer_without_a_body_is_fine(nexus, hive):
    nexus.will(b"", 204)

    assert hive.request("DELETE", "jobs/job_1/") == {}


def test_the_client_needs_nothing_of_the_project_but_its_own_file(tmp_path):
    (tmp_path / "client.py").write_text((PROJECT / "jobs" / "client.py").read_text())
    code = "import client, sys; print(sorted({m.split('.')[0] for m in sys.modules}))"

    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )

    assert "urllib3" in ran.stdout
    for foreign in ("django", "jobs", "nodes", "redis", "structlog"):
        assert f"'{foreign}'" not in ran.stdout
