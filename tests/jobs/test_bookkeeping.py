"""Commits, with memory and Redis in step with them."""

import json

import pytest

from hive_site.kernel.errors import Deposed
from jobs.models import Attempt, Job, Subtask
from nodes import wire
from nodes.models import ReportCursor
from tests.jobs.stage import depose, fresh, ledger, listen, outage, silence, states


def test_what_is_recorded_leaves_flight_ledger_and_stream(stage):
    job = stage.submit()
    spore, sent = stage.bundle()
    spore.succeed(sent)

    stage.read()

    assert (fresh(job).state, stage.in_flight, ledger(stage)) == ("succeeded", [], [])
    assert stage.redis.xlen(wire.report_key(spore.name)) == 0
    assert job.pk not in stage.memory.backlog


def test_waiters_are_told_once_for_each_batch(stage):
    ear = listen(stage)
    first, second = stage.submit(), stage.submit(2)
    stage.send()
    for spore in stage.spores:
        spore.succeed(spore.pop())

    stage.read()

    told = json.loads(ear.get_message()["data"])
    assert told == {"jobs": sorted([first.pk, second.pk]), "ended": [first.pk]}
    assert ear.get_message() is None


def test_a_crash_before_the_stream_is_trimmed_changes_nothing_twice(stage):
    job = stage.submit(2)
    for spore in stage.spores:
        stage.send()
        spore.succeed(spore.pop())
    mail = stage.mail()
    with silence(stage.redis):  # the database has it, Redis was not told
        stage.workload.record(mail, stage.now)
    before = list(Subtask.objects.values())

    stage.take_over()
    stage.read()

    assert list(Subtask.objects.values()) == before
    assert (fresh(job).state, fresh(job).succeeded, ledger(stage)) == ("succeeded", 2, [])


def test_the_ledger_is_struck_later_if_redis_was_away(stage):
    stage.submit()
    spore, sent = stage.bundle()
    spore.succeed(sent)
    mail = stage.mail()
    with silence(stage.redis):
        stage.workload.record(mail, stage.now)

    stage.workload.record(mail, stage.now)

    assert ledger(stage) == []


def test_a_leader_that_was_deposed_records_nothing_and_forgets_nothing(stage):
    job = stage.submit()
    spore, sent = stage.bundle()
    spore.succeed(sent)
    depose(stage)

    with pytest.raises(Deposed):
        stage.read()

    assert (states(job), fresh(job).state) == (["waiting"], "queued")
    assert (len(stage.in_flight), stage.redis.xlen(wire.report_key(spore.name))) == (1, 1)
    assert not ReportCursor.objects.exists()


def test_the_pace_of_what_was_recorded_makes_the_next_bundles_larger(stage):
    stage.submit(100)
    for _ in range(2):
        spore, sent = stage.bundle()
        spore.report(bundle=sent.id, ok=[[sent.first, 1.0, 1.01, "1"]])
        spore.end(sent)
        stage.read()

    stage.send()

    assert max(len(sent.items) for sent in stage.in_flight) in (4, 5)


def test_a_failure_is_tried_again_when_its_back_off_is_over(stage):
    job = stage.submit(retries=1)
    spore, sent = stage.bundle()
    spore.happen(sent)
    spore.end(sent)
    stage.read()
    assert (states(job), stage.send()) == (["retrying"], 0)
    assert 0 < stage.workload.next_due(stage.now).total_seconds() <= 1

    stage.tidy(after=2.5)
    stage.run()

    assert (fresh(job).state, Subtask.objects.get().attempts) == ("succeeded", 2)
    assert list(Attempt.objects.values_list("number", "outcome")) == [
        (1, "failed"),
        (2, "succeeded"),
    ]


def test_the_reduction_opens_when_all_have_ended_and_its_result_is_the_jobs(stage):
    job = stage.submit(3, reduce="demo.echo")
    stage.run(result="7")

    reduction = Subtask.objects.get(role="reduce")
    assert (fresh(job).state, fresh(job).result, reduction.state) == ("succeeded", "7", "succeeded")
    assert fresh(job).succeeded == 3


def test_the_reduction_is_given_what_succeeded(stage):
    job = stage.submit(2, reduce="text.merge_counts", retries=0)
    stage.send()
    for spore in stage.spores:
        sent = spore.pop()
        spore.happen(sent) if sent.items[0][1] else spore.succeed(sent, result='{"a": 2.50}')
    stage.read()
    stage.send()
    [spore] = [s for s in stage.spores if stage.redis.llen(wire.queue_key(s.name))]
    reduction = spore.pop()

    assert (reduction.task, reduction.items[0][3]) == ("text.merge_counts", [{"a": 2.5}])
    spore.succeed(reduction)
    stage.read()
    assert fresh(job).state == "partial"


@pytest.mark.parametrize("last", [False, True])
def test_fail_fast_ends_the_job_with_its_first_failure(stage, last):
    job = stage.submit(2 if last else 9, on_error="fail_fast", retries=0)
    stage.send()
    first, second = ((spore, spore.pop()) for spore in stage.spores)
    second[0].succeed(second[1])
    if last:
        stage.read()

    first[0].happen(first[1])
    stage.read()

    assert (fresh(job).state, fresh(job).failed, fresh(job).succeeded) == ("failed", 1, 1)
    assert json.loads(fresh(job).error)["message"] == "no"
    assert stage.in_flight == []


def test_fail_fast_stops_what_runs_and_survives_a_crash_right_after_the_failure(stage):
    job = stage.submit(9, on_error="fail_fast", retries=0)
    stage.send()
    first, second = ((spore, spore.pop()) for spore in stage.spores)
    first[0].happen(first[1])
    mail = stage.mail()
    with outage(stage.redis):
        stage.workload.record(mail, stage.now)
    assert fresh(job).state == "cancelling"

    stage.take_over()

    assert stage.send() == 0
    assert stage.redis.exists(wire.cancel_key(f"{job.pk}.1"))
    second[0].happen(second[1], "cancelled")
    stage.read()
    assert (fresh(job).state, fresh(job).failed, fresh(job).cancelled) == ("failed", 1, 8)


def test_collect_goes_on_after_a_failure(stage):
    job = stage.submit(3, retries=0)
    spore, sent = stage.bundle()
    spore.happen(sent)
    stage.read()

    stage.run()

    assert (fresh(job).state, fresh(job).failed) == ("partial", 1)


def test_counters_equal_subtasks_whatever_the_order_of_ends(stage):
    job = stage.submit(40, retries=0)
    for turn in range(40):
        if not stage.send() and not stage.in_flight:
            break
        for spore in stage.spores:
            if stage.redis.llen(wire.queue_key(spore.name)):
                sent = spore.pop()
                spore.happen(sent) if turn % 3 else spore.succeed(sent)
                spore.end(sent)
        stage.read()

    rows = Subtask.objects.filter(job=job)
    job = Job.objects.get()
    assert job.succeeded == rows.filter(state="succeeded").count() > 0
    assert job.failed == rows.filter(state="failed").count() > 0
    assert (job.state, job.succeeded + job.failed) == ("partial", 40)
