"""Why jobs and subtasks wait, and why they ran where they did."""

import json
import time
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from jobs import reasons
from jobs.models import Job, Subtask
from jobs.services import pause_job, pause_queue, submit_job
from nodes import wire
from tests.jobs.stage import silence

pytestmark = pytest.mark.usefixtures("db", "redis")
URL = "/api/v1/jobs/"


@pytest.fixture
def job(db, redis):
    return submit_job(task="demo.echo", items=[1, 2])


def say(redis, *, age=0.0, **waiting):
    """What the leader drew."""
    picture = {"at": time.time() - age, "waiting": waiting}
    redis.set(wire.SNAPSHOT, json.dumps(picture))


def why(job):
    return reasons.why_job_waits(Job.objects.get(pk=job.pk))


def why_subtask(job, index=0, **columns):
    Subtask.objects.filter(job=job, index=index).update(**columns)
    return reasons.why_subtask(
        Job.objects.get(pk=job.pk), Subtask.objects.get(job=job, index=index)
    )


def test_what_was_paused_says_so(job):
    pause_queue(name="background")
    assert why(job) == "the queue background is paused"

    pause_job(job_id=job.pk)
    assert why(job) == why_subtask(job) == "the job is paused"


def test_a_delayed_job_says_until_when(job):
    at = timezone.now() + timedelta(hours=1)
    Job.objects.update(not_before=at)

    assert why(job) == f"delayed until {at:%Y-%m-%d %H:%M:%S} UTC"


def test_a_blocked_job_names_the_parents_that_have_not_ended(job):
    ended = submit_job(task="demo.echo", items=[])
    child = submit_job(task="demo.echo", items=[1])
    Job.objects.filter(pk=child.pk).update(state="blocked", depends_on=[job.pk, ended.pk])

    assert why(child) == f"it comes after {job.pk}"


def test_what_the_leader_says_is_told(job, redis):
    say(redis, **{job.pk: "no node has tex"})

    assert why(job) == why_subtask(job) == "no node has tex"


def test_who_is_not_waiting_for_a_node_is_next(job, redis):
    say(redis)

    assert why(job) is None
    assert why_subtask(job) == reasons.NEXT


@pytest.mark.parametrize("age", [None, 60])
def test_without_a_leader_that_is_the_reason(job, redis, age):
    if age:
        say(redis, age=age, **{job.pk: "no node has tex"})

    assert why(job) == reasons.NO_LEADER


def test_redis_is_not_asked_again_and_again_while_it_is_away(job, redis, monkeypatch):
    asked = []
    monkeypatch.setattr("nodes.inbox.hurried_client", lambda: asked.append(1) or redis)
    with silence(redis):
        assert why(job) == why(job) == reasons.NO_LEADER

    assert len(asked) == 1


def test_what_failed_says_when_it_is_tried_again(job, redis):
    say(redis)
    at = datetime(2040, 1, 31, 12, 0, 5, tzinfo=UTC)

    assert why_subtask(job, state="retrying", retry_at=at) == (
        "it is tried again at 2040-01-31 12:00:05 UTC"
    )
    assert why(job) == "what failed is tried again at 2040-01-31 12:00:05 UTC"


def test_what_runs_or_ran_says_why_there(job):
    told = {"node": "spore-1", "placed": "gpu 0"}

    assert why_subtask(job, state="running", **told) == "runs on spore-1: gpu 0"
    assert why_subtask(job, state="succeeded", **told) == "gpu 0"
    assert why_subtask(job, state="cancelled", placed="") is None


def test_what_is_over_waits_for_nothing(job):
    Job.objects.update(state="succeeded", succeeded=2)
    assert why(job) is None

    Job.objects.update(state="cancelling", succeeded=0)
    assert why(job) is None
    assert why_subtask(job) == "its job is being stopped"


def test_the_api_tells_why(api, job, redis):
    say(redis, **{job.pk: "no node has tex"})
    Subtask.objects.filter(index=1).update(state="succeeded", placed="the only one with tex")

    assert api.get(f"{URL}{job.pk}/").json()["waiting_for"] == "no node has tex"
    assert api.get(URL).json()["results"][0]["waiting_for"] == "no node has tex"
    waits, ran = (api.get(f"{URL}{job.pk}/subtasks/{n}/").json() for n in (0, 1))
    assert (waits["why"], waits["placed"]) == ("no node has tex", None)
    assert ran["why"] == ran["placed"] == "the only one with tex"
    rows = api.get(f"{URL}{job.pk}/results/").json()["results"]
    assert [row["placed"] for row in rows] == [None, "the only one with tex"]


def test_from_the_leader_to_the_reader(stage):
    stuck = stage.submit(2, requires={"capabilities": ["tex"]})
    fine = stage.submit(1)
    spore, sent = stage.bundle()
    spore.succeed(sent)
    stage.read()
    picture = {"at": time.time(), **stage.workload.snapshot(stage.now)}
    stage.redis.set(wire.SNAPSHOT, json.dumps(picture))

    assert why(stuck) == "no node has tex (2 nodes: 2 lack tex)"
    row = Subtask.objects.get(job=fine)
    assert row.placed == "best of 2 that fit: score 0.00 (cpu 0.00, memory 0.00, tasks 0/1)"


def test_a_failure_keeps_why_it_ran_there_and_a_retry_by_hand_forgets_it(stage):
    from jobs.services import retry_job

    job = stage.submit(1, retries=0)
    spore, sent = stage.bundle()
    spore.happen(sent, "fail")
    stage.read()

    assert Subtask.objects.get(job=job).placed.startswith("best of 2")
    retry_job(job_id=job.pk)
    assert Subtask.objects.get(job=job).placed == ""
