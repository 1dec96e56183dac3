"""Workflows and bulk verbs over REST."""

import json

import pytest

from jobs import hive
from jobs.models import Edge, Job
from tests.conftest import client_with

URL, BULK = "/api/v1/workflows/", "/api/v1/jobs/"
ECHO = {"task": "demo.echo"}
DIAMOND = {
    "join": {**ECHO, "items": [{"$result": "left"}], "after": ["left", "right"]},
    "left": {**ECHO, "after": ["start"]},
    "right": {**ECHO, "after": [{"job": "start", "allow_failure": True}]},
    "start": {**ECHO, "items": [1]},
}


def post(client, jobs, **headers):
    return client.post(URL, {"jobs": jobs}, format="json", headers=headers)


def test_a_workflow_is_stored_whole(api):
    answer = post(api, DIAMOND)

    made = answer.json()
    assert answer.status_code == 202
    assert answer.headers["Location"] == f"http://testserver{URL}{made['id']}/"
    jobs = made["jobs"]
    assert {name: job["state"] for name, job in jobs.items()} == {
        **dict.fromkeys(("left", "right", "join"), "blocked"),
        "start": "queued",
    }
    assert jobs["join"]["depends_on"] == [jobs["left"]["id"], jobs["right"]["id"]]
    assert {(job["workflow"], job["name"]) for job in jobs.values()} == {
        (made["id"], name) for name in DIAMOND
    }
    edges = Edge.objects.values_list("child__name", "parent__name", "allow_failure", "feeds")
    assert set(edges) == {
        ("left", "start", False, ""),
        ("right", "start", True, ""),
        ("join", "left", False, "input"),
        ("join", "right", False, ""),
    }
    assert api.get(answer.headers["Location"]).json() == made


@pytest.mark.parametrize(
    ("jobs", "pointer", "said"),
    [
        ({}, "/jobs", "at least one"),
        ([], "/jobs", "at least one"),
        (None, "/jobs", "at least one"),
        ({"a": 5}, "/jobs/a", "give an object"),
        ({"a.b": ECHO}, "/jobs", "a name is a letter"),
        ({"": ECHO}, "/jobs", "a name is a letter"),
        ({"a": {**ECHO, "after": "b"}}, "/jobs/a/after", "give a list"),
        ({"a": {**ECHO, "after": [5]}}, "/jobs/a/after", "give a text"),
        ({"a": {**ECHO, "after": ["b"]}}, "/jobs/a/after", "no job here is called 'b'"),
        ({"a": ECHO, "b": {**ECHO, "after": ["a", "a"]}}, "/jobs/b/after", "twice"),
        ({"a": {**ECHO, "after": ["a"]}}, "/jobs/a/after", "a → a: they wait"),
        (
            {"x": ECHO, "a": {**ECHO, "after": ["x", "b"]}, "b": {**ECHO, "after": ["a"]}},
            "/jobs/a/after",
            "a → b → a: they wait for each other",
        ),
        ({"x": ECHO, "a": {"task": "no.such"}}, "/jobs/a/task", "no.such"),
        ({"a": {**ECHO, "priority": 11}}, "/jobs/a/priority", "11"),
        ({"a": {**ECHO, "itmes": []}}, "/jobs/a/itmes", "is no field"),
        ({"a": {**ECHO, "items": [{"$result": "x"}]}, "x": ECHO}, "/jobs/a/items/0", "no parent"),
        ({"x": ECHO, "a": {**ECHO, "depends_on": ["job_0"]}}, "/jobs/a/depends_on", "job_0"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_stored(api, jobs, pointer, said):
    answer = post(api, jobs)

    assert answer.status_code == 400, answer.content
    [error] = answer.json()["errors"]
    assert (error["pointer"], said in error["detail"]) == (pointer, True), error
    assert (Job.objects.count(), Edge.objects.count()) == (0, 0)


def test_too_many_jobs_are_refused(api):
    assert post(api, {f"a{n}": ECHO for n in range(1001)}).status_code == 413


def test_of_two_jobs_with_one_name_none_wins(api):
    text = json.dumps({"jobs": {"a": ECHO, "b": ECHO}}).replace('"b"', '"a"')

    answer = api.generic("POST", URL, text, content_type="application/json")

    assert (answer.status_code, answer.json()["errors"][0]["detail"]) == (400, "'a' is there twice")


def test_the_same_key_gives_the_same_workflow(api):
    headers = {"Idempotency-Key": "k"}
    first, again = post(api, DIAMOND, **headers), post(api, DIAMOND, **headers)

    assert first.json() == again.json()
    assert again.headers["Idempotency-Replayed"] == "true"
    assert post(api, {"a": ECHO}, **headers).status_code == 422
    assert Job.objects.count() == len(DIAMOND)


def test_a_workflow_is_cancelled_whole(api):
    url = post(api, DIAMOND).headers["Location"]

    answer = api.post(f"{url}cancel/")

    assert answer.status_code == 202
    assert {name: job["state"] for name, job in answer.json()["jobs"].items()} == {
        **dict.fromkeys(("left", "right", "join"), "cancelled"),
        "start": "cancelling",
    }
    assert api.post(f"{url}cancel/").status_code == 202
    Job.objects.update(state="cancelled")
    assert api.post(f"{url}cancel/").status_code == 409
    assert api.get(url).json()["state"] == "cancelled"


@pytest.mark.parametrize("verb", ["get", "post"])
def test_a_workflow_that_is_not_there_is_not_found(api, verb):
    path = f"{URL}wf_none/" + ("cancel/" if verb == "post" else "")

    assert getattr(api, verb)(path).status_code == 404


def test_reading_takes_another_key_than_submitting(api):
    url = post(api, DIAMOND).headers["Location"]
    reader = client_with("read")

    assert reader.get(url).status_code == 200
    assert post(reader, DIAMOND).status_code == reader.post(f"{url}cancel/").status_code == 403


def test_python_submits_the_same(api):
    jobs = hive.workflow(DIAMOND)

    assert list(jobs) == ["start", "left", "right", "join"]
    assert jobs["join"].depends_on == [jobs["left"].pk, jobs["right"].pk]


def test_a_job_may_wait_for_others_by_id(api):
    parent = api.post(BULK, ECHO, format="json").json()["id"]
    wish = {**ECHO, "depends_on": [parent], "items": {"$result": parent}}

    answer = api.post(BULK, wish, format="json").json()

    assert (answer["state"], answer["depends_on"]) == ("blocked", [parent])


def sweep(api, verb, **body):
    return api.post(f"{BULK}{verb}/", body, format="json")


@pytest.fixture
def jobs(api):
    """Three jobs of a workflow and one of nobody."""
    made = hive.workflow({n: {**ECHO, "labels": {"who": n}} for n in ("a", "b", "c")})
    return {name: job.pk for name, job in made.items()} | {"x": hive.submit("demo.whoami").pk}


def test_a_dry_run_only_looks(api, jobs):
    answer = sweep(api, "cancel", filter={"task": "demo.echo"}, dry_run=True)

    assert answer.json() == {"matched": 3, "jobs": [jobs[n] for n in "abc"], "done": 0}
    assert set(Job.objects.values_list("state", flat=True)) == {"queued"}


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"task": "demo.whoami"}, "x"),
        ({"state": "queued,running"}, "abcx"),
        ({"state": "succeeded"}, ""),
        ({"queue": "background"}, "abcx"),
        ({"labels": {"who": "b"}}, "b"),
        ({"labels": {"who": "b"}, "task": "demo.whoami"}, ""),
        ({"older_than": 3600}, ""),
        ({"older_than": 0}, "abcx"),
    ],
)
def test_what_the_filter_finds_is_cancelled_and_nothing_else(api, jobs, wanted, found):
    answer = sweep(api, "cancel", filter=wanted).json()

    assert (answer["matched"], answer["done"]) == (len(found), len(found))
    cancelling = Job.objects.filter(state="cancelling").values_list("pk", flat=True)
    assert set(cancelling) == {jobs[name] for name in found}


def test_what_did_not_succeed_of_a_workflow_is_retried(api, jobs):
    workflow = Job.objects.get(pk=jobs["a"]).workflow
    Job.objects.filter(pk__in=[jobs["a"], jobs["x"]]).update(state="failed", failed=1)
    Job.objects.filter(pk=jobs["b"]).update(state="succeeded")

    answer = sweep(api, "retry", filter={"workflow": workflow})

    assert answer.json() == {"matched": 1, "jobs": [jobs["a"]], "done": 1}
    states = dict(Job.objects.values_list("pk", "state"))
    assert (states[jobs["a"]], states[jobs["x"]]) == ("queued", "failed")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/filter"),
        ({"filter": {}}, "/filter"),
        ({"filter": []}, "/filter"),
        ({"filter": {"tsak": "demo.echo"}}, "/filter/tsak"),
        ({"filter": {"state": "done"}}, "/filter/state"),
        ({"filter": {"state": 5}}, "/filter/state"),
        ({"filter": {"labels": {}}}, "/filter/labels"),
        ({"filter": {"labels": {"1": "x"}}}, "/filter/labels"),
        ({"filter": {"older_than": -1}}, "/filter/older_than"),
        ({"filter": {"older_than": True}}, "/filter/older_than"),
        ({"filter": {"task": ""}}, "/filter/task"),
        ({"filter": {"queue": None}}, "/filter/queue"),
        ({"filter": {"task": "demo.echo"}, "dry_run": "yes"}, "/dry_run"),
        ({"filter": {"task": "demo.echo"}, "dryrun": True}, "/dryrun"),
    ],
)
def test_a_filter_that_says_nothing_or_nonsense_is_refused(api, jobs, body, pointer):
    for verb in ("cancel", "retry"):
        answer = sweep(api, verb, **body)

        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, pointer)
    assert set(Job.objects.values_list("state", flat=True)) == {"queued"}
