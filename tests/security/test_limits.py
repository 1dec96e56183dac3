"""What is too much is refused with a word, and nothing of it is stored."""

import json

import pytest
from django.apps import apps

from tests.conftest import client_with
from tests.people import browser_of

pytestmark = pytest.mark.usefixtures("db", "redis", "nexus_data")
DEEP = "[" * 101 + "]" * 101
ECHO = '{"task": "demo.echo", "items": [%s]}'
#: What is sent where, and how it is refused. Bodies are JSON text.
TOO_MUCH = {
    "items": ("jobs/", ECHO % ",".join(["0"] * 100_001), 413),
    "depth": ("jobs/", ECHO % DEEP, 400),
    "bottomless depth": ("jobs/", ECHO % ("[" * 100_000), 400),
    "digits": ("jobs/", ECHO % ("9" * 5_000), 400),
    "no number": ("jobs/", ECHO % "NaN", 400),
    "labels": (
        "jobs/",
        json.dumps({"task": "demo.echo", "labels": {f"a{n}": "" for n in range(51)}}),
        400,
    ),
    "name of a label": (
        "jobs/",
        json.dumps({"task": "demo.echo", "labels": {"a" * 64: ""}}),
        400,
    ),
    "text of a label": (
        "jobs/",
        json.dumps({"task": "demo.echo", "labels": {"a": "x" * 201}}),
        400,
    ),
    "capabilities": (
        "jobs/",
        json.dumps({"task": "demo.echo", "requires": {"capabilities": ["a"] * 51}}),
        400,
    ),
    "nodes to avoid": (
        "jobs/",
        json.dumps({"task": "demo.echo", "requires": {"avoid": ["a"] * 101}}),
        400,
    ),
    "GPUs": ("jobs/", json.dumps({"task": "demo.echo", "requires": {"gpu": 65}}), 400),
    "retries": ("jobs/", json.dumps({"task": "demo.echo", "retries": 1001}), 400),
    "timeout": ("jobs/", json.dumps({"task": "demo.echo", "timeout": 1e9}), 400),
    "delay": ("jobs/", json.dumps({"task": "demo.echo", "delay": 1e12}), 400),
    "parents": (
        "jobs/",
        json.dumps({"task": "demo.echo", "depends_on": [f"job_{n}" for n in range(1001)]}),
        400,
    ),
    "webhook": (
        "jobs/",
        json.dumps({"task": "demo.echo", "webhook": f"https://e.org/{'x' * 500}"}),
        400,
    ),
    "name of a task": ("jobs/", json.dumps({"task": "x" * 1_000_000}), 400),
    "jobs of a workflow": (
        "workflows/",
        json.dumps({"jobs": {f"a{n}": {"task": "demo.echo"} for n in range(1001)}}),
        413,
    ),
    "name in a workflow": (
        "workflows/",
        json.dumps({"jobs": {"a" * 101: {"task": "demo.echo"}}}),
        400,
    ),
    "data of a broadcast": (
        "broadcasts/",
        json.dumps({"command": "PING", "data": {"a": "x" * 4096}}),
        400,
    ),
    "name of a schedule": (
        "schedules/",
        json.dumps({"name": "x" * 10_000, "cron": "* * * * *", "job": {"task": "demo.echo"}}),
        400,
    ),
    "release to roll out": ("ota/rollouts/", json.dumps({"release": "x" * 100_000}), 400),
}
QUERIES = [
    *("limit=1001", "limit=99999999999999999999", "limit=-1", "cursor=%00", "cursor=!!"),
    *("state=" + ",".join(["x"] * 500), "label." + "a" * 64 + "=x"),
    "&".join(f"label.a{n}=x" for n in range(51)),
]
LONG_WAITS = ["61", "-1", "nan", "inf", "1e3", "x"]


@pytest.fixture
def api():
    return client_with("submit", "read", "control", "ota")


@pytest.fixture(autouse=True)
def nothing_is_stored(db):
    """Whatever is refused leaves no row of ours behind."""

    def rows():
        models = [
            m for app in ("jobs", "nodes", "ota") for m in apps.get_app_config(app).get_models()
        ]
        return {m._meta.label: m.objects.count() for m in models if m.__name__ != "ApiKey"}

    before = rows()
    yield
    assert rows() == before


@pytest.mark.parametrize("what", TOO_MUCH)
def test_too_much_is_refused(api, what):
    place, body, status = TOO_MUCH[what]

    answer = api.generic("POST", f"/api/v1/{place}", body, "application/json")

    assert (answer.status_code, answer.headers["Content-Type"]) == (
        status,
        "application/problem+json",
    )
    assert len(answer.content) < 20_000_000


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query[:20])
def test_a_question_that_is_too_long_or_makes_no_sense_is_refused(api, query):
    assert api.get(f"/api/v1/jobs/?{query}").status_code == 400


@pytest.mark.parametrize("seconds", LONG_WAITS)
def test_nobody_waits_for_ever(api, seconds):
    assert api.get(f"/api/v1/jobs/job_x/?wait={seconds}").status_code == 400


@pytest.mark.parametrize("key", ["x" * 256, "", "a\x7f", "ä"])
def test_a_key_to_repeat_a_request_is_short_and_printable(api, key):
    headers = {"Idempotency-Key": key}
    answer = api.post("/api/v1/jobs/", {"task": "demo.echo"}, format="json", headers=headers)

    assert answer.status_code == 400


@pytest.mark.parametrize(
    "place", ["/login/", "/admin/jobs/job/add/?task=demo.echo", "/admin/nodes/apikey/add/"]
)
def test_a_form_has_no_more_fields_than_anybody_fills_in(place):
    fields = {f"f{n}": "x" for n in range(1001)}

    assert browser_of("admin").post(place, fields).status_code == 400


def test_a_package_comes_with_few_fields_and_files(api):
    fields = {f"f{n}": "x" for n in range(1001)}

    answer = api.post("/api/v1/ota/releases/", fields, format="multipart")

    assert answer.status_code == 400
