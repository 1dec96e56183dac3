"""Cancelling jobs that wait for others: they are over at once, without a Foreman."""

import json

import pytest

from hive_site.kernel.errors import Conflict
from jobs import descendants
from jobs.models import Delivery, Job
from jobs.services import (
    cancel_job,
    cancel_jobs,
    cancel_workflow,
    cancelling,
    retry_job,
    submit_job,
    submit_workflow,
)
from nodes import wire
from nodes.ports import Wakeup
from tests.jobs.graphs import ECHO, chain, count, fan
from tests.jobs.stage import fresh, listen, states

URL = "https://example.org/hook"


def submit(graph):
    return {job.name: job for job in submit_workflow(graph)}


def child_of(*parents, **wish):
    return submit_job(task="demo.echo", items=[1, 2], depends_on=list(parents), **wish)


def test_what_waits_for_others_is_over_at_once(stage):
    child = child_of(stage.submit().pk, reduce="demo.echo", webhook=URL)

    assert cancel_job(job_id=child.pk).state == "cancelled"

    assert states(child) == ["cancelled"] * 3
    assert (fresh(child).cancelled, fresh(child).error) == (2, None)
    assert fresh(child).finished_at
    [notice] = Delivery.objects.all()
    assert json.loads(notice.body)["type"] == "job.cancelled"


def test_what_is_over_cannot_be_cancelled_again(stage):
    child = child_of(stage.submit().pk)
    cancel_job(job_id=child.pk)

    with pytest.raises(Conflict, match="is cancelled; it cannot be cancelled"):
        cancel_job(job_id=child.pk)


def test_those_that_wait_for_it_end_with_it_or_are_let_go(
    stage, django_capture_on_commit_callbacks
):
    child = child_of(stage.submit().pk)
    other = child_of(child.pk)
    behind = child_of(other.pk)
    spared = child_of({"job": child.pk, "allow_failure": True})
    ear = listen(stage)
    stage.redis.delete(wire.INBOX)

    with django_capture_on_commit_callbacks(execute=True):
        cancel_job(job_id=child.pk)

    assert [fresh(job).state for job in (other, behind, spared)] == ["cancelled"] * 2 + ["queued"]
    assert json.loads(fresh(other).error)["type"] == "parent_cancelled"
    told = [json.loads(ear.get_message()["data"])["ended"] for _ in range(2)]
    assert told == [[child.pk], [other.pk, behind.pk]]
    hints = [(f[b"what"], f[b"subject"].decode()) for _, f in stage.redis.xrange(wire.INBOX)]
    assert hints == [(b"job", spared.pk), (b"cancel", child.pk)]


def test_a_whole_graph_is_cancelled_in_a_few_statements(stage, django_assert_max_num_queries):
    jobs = submit(chain(60))

    with django_assert_max_num_queries(30):
        cancel_workflow(workflow=jobs["root"].workflow)

    assert (count("cancelled"), fresh(jobs["root"]).state) == (60, "cancelling")
    stage.hint(jobs["root"], "cancel")
    assert {job.error for job in Job.objects.all()} == {None}
    assert count("cancelled") == 61


def test_a_cancelled_workflow_takes_along_who_waits_for_it_from_outside(stage):
    jobs = submit(fan(2))
    outside = child_of(jobs["c0"].pk)

    cancel_workflow(workflow=jobs["root"].workflow)

    assert fresh(outside).state == "cancelled"
    assert json.loads(fresh(outside).error)["type"] == "parent_cancelled"


def test_many_are_cancelled_some_at_a_time(stage, monkeypatch):
    for module in (descendants, cancelling):
        monkeypatch.setattr(module, "AT_ONCE", 2)
    jobs = submit(fan(5) | {"sink": {**ECHO, "after": [f"c{n}" for n in range(5)]}})
    outside = [child_of(jobs["c0"].pk) for _ in range(5)]

    swept = cancel_jobs(filter={"workflow": jobs["root"].workflow})
    for _ in range(3):
        stage.tidy(after=6)

    assert (swept.matched, swept.done) == (7, 7)
    assert {fresh(job).error for job in jobs.values()} == {None}
    assert {fresh(job).state for job in [*jobs.values(), *outside]} == {"cancelled"}


def test_who_waits_for_a_job_that_is_retried_meanwhile_goes_on_waiting(stage, monkeypatch):
    jobs = submit(fan(1))
    outside = child_of(jobs["c0"].pk)
    still_so = cancelling._still_so

    def retry_first(ended):
        retry_job(job_id=jobs["c0"].pk)
        return still_so(ended)

    monkeypatch.setattr(cancelling, "_still_so", retry_first)
    cancel_jobs(filter={"workflow": jobs["c0"].workflow, "state": "blocked"})

    assert [fresh(job).state for job in (jobs["c0"], outside)] == ["blocked", "blocked"]


def test_the_foreman_is_woken_for_those_that_one_transaction_has_no_room_for(
    stage, monkeypatch, django_capture_on_commit_callbacks
):
    monkeypatch.setattr(descendants, "AT_ONCE", 2)
    child = child_of(stage.submit().pk)
    others = [child_of(child.pk) for _ in range(5)]
    stage.redis.delete(wire.INBOX)

    with django_capture_on_commit_callbacks(execute=True):
        cancel_job(job_id=child.pk)

    assert b"queue" in [hint[b"what"] for _, hint in stage.redis.xrange(wire.INBOX)]
    stage.workload.heed([Wakeup("queue", "")], stage.now)
    assert {fresh(job).state for job in others} == {"cancelled"}


def test_what_was_cancelled_while_it_waited_may_wait_again(stage):
    parent = stage.submit()
    child = child_of(parent.pk)
    cancel_job(job_id=child.pk)

    retry_job(job_id=child.pk)
    stage.run()

    assert (fresh(child).state, fresh(child).cancelled) == ("succeeded", 0)
