"""Looking at jobs over REST, and the verbs on them."""

import json

import pytest

from jobs.models import Job, Subtask
from jobs.services import submit_job

URL = "/api/v1/jobs/"


@pytest.fixture
def job(db, redis):
    return submit_job(task="demo.echo", items=[1, 2, 3], labels={"site": "lab"})


def finish(job: Job, *, state: str = "succeeded") -> None:
    """What the Foreman would have written."""
    texts = {0: '"é"', 1: '{"a": [1, 2.50]}', 2: "null"}
    for row in job.subtasks.all():
        Subtask.objects.filter(pk=row.pk).update(
            state="succeeded", result=texts[row.index], node="spore-1", attempt=1, attempts=1
        )
    Job.objects.filter(pk=job.pk).update(state=state, succeeded=3)


def test_a_job_shows_every_field_of_the_contract(api, job):
    view = api.get(f"{URL}{job.pk}/").json()

    assert view.keys() >= {
        *("id", "task", "state", "queue", "priority", "progress", "result", "error"),
        *("created_at", "started_at", "finished_at", "labels", "depends_on", "links"),
    }
    assert view["progress"].keys() == {
        *("total", "waiting", "running", "succeeded", "failed", "cancelled")
    }


def test_results_come_in_item_order_as_the_spores_wrote_them(api, job):
    finish(job)

    answer = api.get(f"{URL}{job.pk}/results/")

    assert [row["result"] for row in answer.json()["results"]] == ["é", {"a": [1, 2.5]}, None]
    assert b"2.50" in answer.content  # nobody encoded it again
    assert answer.json()["results"][0].keys() == {
        *("index", "state", "result", "error", "node", "placed", "attempts"),
        *("started_at", "finished_at"),
    }


def test_pages_of_results_follow_one_another_to_the_end(api, job):
    finish(job)
    url, seen = f"{URL}{job.pk}/results/?limit=2", []

    while url:
        page = api.get(url).json()
        seen += [row["index"] for row in page["results"]]
        url = page["next"]

    assert seen == [0, 1, 2]


def test_all_results_can_be_streamed_as_lines(api, job):
    finish(job)

    answer = api.get(f"{URL}{job.pk}/results/", headers={"Accept": "application/x-ndjson"})

    lines = b"".join(answer.streaming_content).splitlines()
    assert answer.headers["Content-Type"] == "application/x-ndjson"
    assert [json.loads(line)["index"] for line in lines] == [0, 1, 2]


def test_a_subtask_shows_its_item_and_its_tries(api, job):
    view = api.get(f"{URL}{job.pk}/subtasks/1/").json()

    assert (view["item"], view["state"], view["tries"]) == (2, "waiting", [])
    assert api.get(f"{URL}{job.pk}/subtasks/9/").status_code == 404


def test_jobs_are_found_by_state_task_queue_label_and_id(api, job):
    other = submit_job(task="demo.sleep", items=[], queue="high_priority")

    def found(query):
        return [row["id"] for row in api.get(f"{URL}?{query}").json()["results"]]

    assert found("") == [other.pk, job.pk]
    assert found("state=queued") == [job.pk]
    assert found("task=demo.sleep") == [other.pk]
    assert found("queue=high_priority") == [other.pk]
    assert found("label.site=lab") == [job.pk]
    assert found("label.site=attic") == []
    assert found(f"q={job.pk}") == [job.pk]


def test_pages_of_jobs_neither_skip_nor_repeat_when_new_ones_arrive(api, redis):
    jobs = [submit_job(task="demo.echo", items=[]).pk for _ in range(3)]

    first = api.get(f"{URL}?limit=2").json()
    submit_job(task="demo.echo", items=[])
    second = api.get(first["next"]).json()

    assert [row["id"] for row in first["results"]] == [jobs[2], jobs[1]]
    assert [row["id"] for row in second["results"]] == [jobs[0]]
    assert second["next"] is None


@pytest.mark.parametrize("query", ["cursor=%FF", "limit=0", "limit=x", "state=tired", "label.1=c"])
def test_a_query_that_makes_no_sense_is_refused(api, job, query):
    assert api.get(f"{URL}?{query}").status_code == 400


def test_cancelling_twice_is_fine_and_cancelling_what_ended_is_a_conflict(api, job):
    first = api.post(f"{URL}{job.pk}/cancel/")
    again = api.post(f"{URL}{job.pk}/cancel/")
    Job.objects.filter(pk=job.pk).update(state="cancelled")
    late = api.post(f"{URL}{job.pk}/cancel/")

    assert [a.status_code for a in (first, again, late)] == [202, 202, 409]
    assert first.json()["state"] == "cancelling"


def test_a_paused_job_resumes_where_it_was(api, job):
    assert api.post(f"{URL}{job.pk}/pause/").json()["state"] == "paused"
    assert api.post(f"{URL}{job.pk}/resume/").json()["state"] == "queued"


def test_a_retry_runs_only_what_did_not_succeed(api, job):
    finish(job)
    job.subtasks.filter(index=1).update(state="failed", errors=4, result=None, error="{}")
    Job.objects.filter(pk=job.pk).update(state="partial", succeeded=2, failed=1)

    view = api.post(f"{URL}{job.pk}/retry/").json()

    assert view["state"] == "queued"
    assert view["progress"]["succeeded"] == 2
    assert list(job.subtasks.values_list("state", "errors")) == [
        ("succeeded", 0),
        ("waiting", 0),
        ("succeeded", 0),
    ]


def test_only_what_has_ended_can_be_deleted(api, job):
    early = api.delete(f"{URL}{job.pk}/")
    finish(job)
    late = api.delete(f"{URL}{job.pk}/")

    assert (early.status_code, late.status_code) == (409, 204)
    assert not Subtask.objects.exists()


def test_waiting_for_a_job_that_has_ended_takes_no_time(api, job):
    finish(job)

    assert api.get(f"{URL}{job.pk}/?wait=60").json()["state"] == "succeeded"
    assert api.get(f"{URL}{job.pk}/?wait=61").status_code == 400


@pytest.mark.parametrize("path", ["jobs/none/", "jobs/none/results/", "jobs/none/subtasks/", "x/"])
def test_what_is_not_there_is_a_problem_of_its_own(api, path):
    answer = api.get(f"/api/v1/{path}")

    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_the_tasks_are_listed_with_their_options(api):
    rows = {row["name"]: row for row in api.get("/api/v1/tasks/").json()["results"]}

    assert rows["articles.summarise"]["options"]["timeout"] == 60
    assert rows["demo.echo"]["summary"]


def test_a_queue_can_be_paused_and_resumed_but_not_invented(api):
    assert api.post("/api/v1/queues/background/pause/").json()["paused"] is True
    assert api.post("/api/v1/queues/background/resume/").json()["paused"] is False
    assert api.post("/api/v1/queues/express/pause/").status_code == 404
