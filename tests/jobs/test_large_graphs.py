"""Graphs of many jobs take few statements, and no more than some of them in one transaction."""

import json
from datetime import timedelta

import pytest

from jobs import bookkeeping, descendants, inputs, quoting
from jobs.invariants import check_database
from jobs.models import Delivery, Edge, Job, Subtask
from jobs.services import submit_job, submit_workflow
from nodes import wire
from nodes.ports import Wakeup
from tests.jobs.graphs import ECHO, chain, count, fail, fan, report_failure, succeed
from tests.jobs.stage import fresh, states

ROOT = {"$result": "root"}
URL = "https://example.org/hook"


def submit(stage, graph):
    """The jobs of a graph, by name; the Foreman knows of them."""
    jobs = submit_workflow(graph)
    stage.workload.heed([Wakeup("job", job.pk) for job in jobs], stage.now)
    return {job.name: job for job in jobs}


def allow_at_once(monkeypatch, jobs):
    for module in (descendants, bookkeeping):
        monkeypatch.setattr(module, "AT_ONCE", jobs)


def test_a_failure_ends_all_that_wait_for_it_in_a_few_statements(
    stage, django_assert_max_num_queries
):
    jobs = submit(stage, fan(60))
    report_failure(stage)

    with django_assert_max_num_queries(25):
        stage.read()

    assert count("failed") == 61
    assert states(jobs["c59"]) == ["cancelled"]
    assert fresh(jobs["c59"]).cancelled == 1
    assert f"it needs root ({jobs['root'].pk}), which failed: no" in fresh(jobs["c59"]).error


def test_generations_that_end_take_no_more_statements_than_one(
    stage, django_assert_max_num_queries
):
    jobs = submit(stage, chain(60))
    report_failure(stage)

    with django_assert_max_num_queries(25):
        stage.read()

    assert count("failed") == 61
    reason = json.loads(fresh(jobs["c59"]).error)["message"]
    assert reason.startswith(f"it needs c58 ({jobs['c58'].pk}), which failed: it needs c57")


def test_a_failure_goes_before_a_cancellation_wherever_both_come_from(stage):
    """One parent of `sink` fails with the root, the other is cancelled with it."""
    root, other = stage.submit(), stage.submit()
    failed, cancelled = (
        submit_job(task="demo.echo", depends_on=[parent.pk]) for parent in (root, other)
    )
    Job.objects.filter(pk=other.pk).update(state="cancelled", finished_at=stage.now)
    Subtask.objects.filter(job=other).update(state="cancelled", seq=1)
    Job.objects.filter(pk=other.pk).update(cancelled=1)
    sink = submit_job(task="demo.echo", depends_on=[cancelled.pk, failed.pk])
    fail(stage)

    stage.tidy(after=6)

    assert [fresh(job).state for job in (failed, cancelled)] == ["failed", "cancelled"]
    assert json.loads(fresh(sink).error)["type"] == "parent_failed"


def test_only_who_asked_is_told_that_his_job_ended_with_its_parent(stage):
    graph = fan(3)
    graph["c1"] = {**graph["c1"], "webhook": URL}
    jobs = submit(stage, graph)

    fail(stage)

    [notice] = Delivery.objects.all()
    assert (notice.job, json.loads(notice.body)["type"]) == (jobs["c1"].pk, "job.failed")


@pytest.mark.parametrize("graph", [fan(7), chain(7)], ids=["fan", "chain"])
def test_one_transaction_ends_some_and_the_next_ones_the_rest(stage, monkeypatch, graph):
    allow_at_once(monkeypatch, 3)
    submit(stage, graph)

    fail(stage)
    assert (count("failed"), count("blocked")) == (1 + 3, 4)
    assert check_database() == []
    for _ in range(3):
        stage.tidy(after=1)

    assert count("failed") == 8


def test_a_new_leader_goes_on_where_the_last_one_stopped(stage, monkeypatch):
    allow_at_once(monkeypatch, 3)
    submit(stage, fan(7))
    fail(stage)

    stage.take_over()
    stage.tidy(after=1)

    assert count("failed") == 8


def test_whoever_needs_what_failed_is_found_though_another_parent_still_runs(stage):
    """As if a leader had died between the end of the parent and that of its child."""
    bad, good = stage.submit(), stage.submit()
    child = submit_job(task="demo.echo", depends_on=[bad.pk, good.pk])
    fail(stage)
    Job.objects.filter(pk=child.pk).update(state="blocked", cancelled=0, finished_at=None)
    Subtask.objects.filter(job=child).update(state="blocked", seq=0)

    stage.take_over()

    assert (fresh(child).state, fresh(good).state) == ("failed", "queued")


def test_one_transaction_lets_some_go_and_the_next_ones_the_rest(stage, monkeypatch):
    allow_at_once(monkeypatch, 3)
    submit(stage, fan(7))

    succeed(stage)
    assert (count("queued"), count("blocked")) == (3, 4)
    for _ in range(2):
        stage.tidy(after=1)
        stage.send()
    stage.run()

    assert count("succeeded") == 8


def test_a_parent_is_read_once_for_all_who_quote_it(stage, django_assert_max_num_queries):
    jobs = submit(stage, fan(60, items=[ROOT], kwargs={"x": ROOT}))
    spore, bundle = stage.bundle()
    spore.succeed(bundle, result='{"a": 1}')

    with django_assert_max_num_queries(40):
        stage.read()

    assert count("queued") == 60
    assert set(Subtask.objects.exclude(job=jobs["root"]).values_list("item", flat=True)) == {
        '{"a": 1}'
    }
    assert set(Job.objects.exclude(name="root").values_list("kwargs", flat=True)) == {
        '{"x":{"a": 1}}'
    }
    assert not Edge.objects.filter(passed=False).exists()


def test_many_fan_out_over_one_list_in_a_few_statements(stage, django_assert_max_num_queries):
    submit(stage, fan(30, items=ROOT, reduce="demo.echo"))
    spore, bundle = stage.bundle()
    spore.succeed(bundle, result="[1, 2]")

    with django_assert_max_num_queries(50):
        stage.read()

    assert (count("queued"), Subtask.objects.count()) == (30, 1 + 30 * 3)


def test_each_job_that_quotes_a_parent_may_take_as_much_as_any_other(stage, monkeypatch):
    monkeypatch.setattr(quoting, "MAX_CHARS", 100)
    submit(stage, fan(5, items=[ROOT]))

    succeed(stage, json.dumps("x" * 60))

    assert count("queued") == 5


def test_what_is_too_much_to_be_kept_is_read_again(stage, monkeypatch):
    monkeypatch.setattr(quoting, "SHELF_CHARS", 10)
    jobs = submit(stage, fan(3, items=[ROOT]))

    succeed(stage, json.dumps("x" * 60))

    assert {states(jobs[f"c{n}"])[0] for n in range(3)} == {"waiting"}


def test_one_job_that_cannot_have_its_input_keeps_no_other_from_it(stage):
    graph = fan(4, items=[ROOT])
    graph["c1"] = {**graph["c1"], "items": ROOT}
    jobs = submit(stage, graph)

    succeed(stage, '"no list"')

    assert (count("queued"), fresh(jobs["c1"]).state) == (3, "failed")


def test_what_is_written_in_one_transaction_has_its_limit(stage, monkeypatch):
    monkeypatch.setattr(inputs, "MOST_CHARS", 500)
    jobs = submit(stage, fan(5, items=[ROOT]))

    succeed(stage, json.dumps("x" * 60))
    assert (count("queued"), count("blocked")) == (2, 3)
    for _ in range(2):
        stage.tidy(after=1)

    assert count("queued") == 5
    assert {fresh(job).error for job in jobs.values()} == {None}


def test_rows_count_however_short_they_are(stage, monkeypatch):
    monkeypatch.setattr(inputs, "MOST_CHARS", 1000)
    submit(stage, fan(3, items=ROOT))

    succeed(stage, "[1, 2, 3, 4]")

    assert (count("queued"), count("blocked")) == (2, 1)


def test_a_deadline_does_not_wait_for_the_next_transaction(stage, monkeypatch):
    """What is left for later is still a job like any other: it can be ended meanwhile."""
    allow_at_once(monkeypatch, 1)
    jobs = submit(stage, fan(2, deadline=stage.now + timedelta(seconds=1)))
    succeed(stage)

    stage.tidy(after=2)
    stage.tidy(after=2)

    assert {fresh(jobs[name]).state for name in ("c0", "c1")} == {"failed"}


def test_a_large_workflow_takes_few_statements(redis, db, django_assert_max_num_queries):
    with django_assert_max_num_queries(30):
        jobs = submit_workflow(fan(200, reduce="demo.echo"))

    assert {job.state for job in jobs} == {"queued", "blocked"}
    assert Subtask.objects.filter(state="blocked").count() == 2 * 200
    assert Edge.objects.count() == 200
    assert check_database() == []


def test_the_foreman_is_woken_for_what_can_start_or_has_a_deadline(
    redis, db, django_capture_on_commit_callbacks
):
    graph = fan(5)
    graph["c3"] = {**graph["c3"], "deadline": "2100-01-01T00:00:00Z"}

    with django_capture_on_commit_callbacks(execute=True):
        jobs = {job.name: job.pk for job in submit_workflow(graph)}

    hints = [fields for _, fields in redis.xrange(wire.INBOX)]
    assert [hint[b"subject"].decode() for hint in hints] == [jobs["root"], jobs["c3"]]


def test_jobs_of_nothing_end_with_the_submission_and_let_go_who_waits_for_them(stage):
    empty = {"task": "demo.echo", "items": []}
    graph = {
        "a": empty,
        "b": {**empty, "after": ["a"]},
        "c": {**ECHO, "after": ["b"]},
        "d": {**empty, "after": ["b"], "reduce": "demo.echo"},
        "e": {**ECHO, "after": ["c"]},
    }

    jobs = submit(stage, graph)

    assert {name: job.state for name, job in jobs.items()} == {
        **dict.fromkeys(("a", "b"), "succeeded"),
        **dict.fromkeys(("c", "d"), "queued"),
        "e": "blocked",
    }
    stage.run()
    assert count("succeeded") == 5


def test_parents_outside_of_a_workflow_count_as_they_are(stage):
    good = stage.submit()
    succeed(stage)
    bad = stage.submit()
    fail(stage)
    still = stage.submit()
    after = {
        name: {**ECHO, "depends_on": [job.pk]}
        for name, job in {"good": good, "bad": bad, "still": still}.items()
    }

    jobs = submit_workflow(after | {"behind": {**ECHO, "after": ["bad"]}})

    assert {job.name: job.state for job in jobs} == {
        "good": "queued",
        "bad": "failed",
        "still": "blocked",
        "behind": "failed",
    }
