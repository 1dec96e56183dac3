"""Input that is wrong: refused with the name of the field, and nothing is stored."""

import json

import pytest
import urllib3

from jobs.client import Hive, HiveError

pytestmark = pytest.mark.processes

PROBLEM = "application/problem+json"


@pytest.fixture
def send(colony):
    """Sends a body as it is; the answer."""

    def post(body, key=colony.stack.ready["api_key"], **headers):
        url = colony.stack.ready["nexus"] + "/api/v1/jobs/"
        given = {"Authorization": f"Bearer {key}", "Content-Type": "application/json", **headers}
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return urllib3.request("POST", url, body=data, headers=given, retries=False)

    return post


@pytest.fixture(autouse=True)
def nothing_is_stored(hive):
    """Whatever is refused leaves no trace."""
    before = hive.request("GET", "jobs/")["results"]
    yield
    assert hive.request("GET", "jobs/")["results"] == before


@pytest.mark.parametrize(
    ("wish", "status", "pointer"),
    [
        ({"task": "no.such"}, 400, "/task"),
        ({"task": "demo.echo", "items": {"a": 1}}, 400, "/items"),
        ({"task": "demo.echo", "items": [0] * 100_001}, 413, "/items"),
        ({"task": "demo.echo", "itmes": [1]}, 400, "/itmes"),
        ({"task": "demo.echo", "priority": 11}, 400, "/priority"),
        ({"task": "demo.echo", "queue": "express"}, 400, "/queue"),
        ({"task": "demo.echo", "timeout": -1}, 400, "/timeout"),
        ({"task": "demo.echo", "reduce": "no.such"}, 400, "/reduce"),
        ({"task": "demo.echo", "requires": {"labels": {"site": 5}}}, 400, "/requires/labels"),
        ({"task": "demo.echo", "items": [1, "\ud800"]}, 400, "/items/1"),
        ({"task": "demo.echo", "items": ["a\0b"]}, 400, "/items/0"),
        ({"items": [1]}, 400, "/task"),
    ],
)
def test_a_wrong_field_is_named(send, wish, status, pointer):
    answer = send(wish)

    problem = answer.json()
    assert (answer.status, answer.headers["Content-Type"]) == (status, PROBLEM)
    assert problem.keys() >= {"type", "title", "status", "detail", "errors"}
    assert [error["pointer"] for error in problem["errors"]] == [pointer]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b'{"task": "demo.echo", "items": [NaN]}', 400),
        (b'{"task": "demo.echo", "items": ' + b"[" * 50_000, 400),
        (b"[]", 400),
        (b"\xff", 400),
        (b" " * (32 * 2**20 + 1), 413),
    ],
)
def test_what_is_no_json_object_is_refused(send, body, status):
    answer = send(body)

    assert (answer.status, answer.headers["Content-Type"]) == (status, PROBLEM)


def test_another_type_of_body_is_refused(send):
    assert send(b"task=demo.echo", **{"Content-Type": "text/plain"}).status == 415


@pytest.mark.parametrize("key", ["", "hive_guessed"])
def test_a_stranger_is_refused(send, key):
    answer = send({"task": "demo.echo"}, key=key)

    assert (answer.status, answer.headers["Content-Type"]) == (401, PROBLEM)


def test_a_key_that_may_only_read_submits_nothing(colony):
    secret = colony.manage("hive", "key", "reader", "--scopes", "read").stdout.strip()
    reader = Hive(colony.stack.ready["nexus"], secret)

    assert reader.request("GET", "cluster/")["nodes_online"] == 3
    with pytest.raises(HiveError, match="403"):
        reader.submit("demo.echo")


def test_a_used_idempotency_key_is_refused_with_another_body(send, hive):
    first = send({"task": "demo.echo", "items": [1]}, **{"Idempotency-Key": "once"})
    again = send({"task": "demo.echo", "items": [1]}, **{"Idempotency-Key": "once"})
    other = send({"task": "demo.echo", "items": [2]}, **{"Idempotency-Key": "once"})

    assert (first.status, again.status, other.status) == (202, 202, 422)
    assert again.json()["id"] == first.json()["id"]
    hive.wait(first.json()["id"], 30)
    hive.request("DELETE", f"jobs/{first.json()['id']}/")


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["no.such"], "task: no task is named 'no.such'"),
        (["demo.echo", "--items", "/no/such/file"], "--items /no/such/file: No such file"),
        (["demo.echo", "--items", "-"], "--items -: not JSON"),
        (["demo.echo", "--arg", "louder"], "give name=value"),
        (["demo.echo", "--priority", "11"], "priority: 11; give a whole number"),
        (["demo.echo", "--queue", "express"], "queue: 'express' is no queue"),
    ],
)
def test_the_command_line_says_what_is_wrong_in_a_line(colony, argv, said):
    ran = colony.manage("hive", "submit", *argv, stdin="{")

    assert (ran.returncode, ran.stdout) == (2, "")
    assert said in ran.stderr
    assert len(ran.stderr.splitlines()) == 1
