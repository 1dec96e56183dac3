"""What is due by time alone, and what people are shown."""

import json
from datetime import timedelta

import pytest

from jobs.housekeeping import POLL_SECONDS
from jobs.models import Job, Subtask
from jobs.services import cancel_job, pause_job, pause_queue, resume_job, retry_job
from nodes import wire
from tests.jobs.stage import fresh, ledger, silence, states

NEXT_POLL = POLL_SECONDS


def test_a_delayed_job_starts_when_its_time_has_come(stage):
    job = stage.submit(delay=60)
    assert stage.send() == 0
    stage.tidy(after=fresh(job).not_before.timestamp() - stage.now.timestamp() - 1)
    assert stage.send() == 0

    stage.tidy(after=1)

    assert stage.send() == 1


def test_a_delayed_job_can_be_cancelled_though_nobody_told(stage):
    job = stage.submit(delay=3600)
    cancel_job(job_id=job.pk)

    stage.tidy(after=NEXT_POLL)

    assert (fresh(job).state, states(job)) == ("cancelled", ["cancelled"])


def test_a_deadline_before_its_start_ends_a_delayed_job(stage):
    job = stage.submit(delay=3600, deadline=stage.now + timedelta(seconds=600))

    stage.tidy(after=601)

    assert (fresh(job).state, json.loads(fresh(job).error)["type"]) == ("failed", "deadline")


@pytest.mark.parametrize("paused", [False, True])
def test_a_deadline_ends_a_job_and_stops_what_runs(stage, paused):
    job = stage.submit(3, deadline=stage.now + timedelta(seconds=60))
    spore, sent = stage.bundle()
    if paused:
        pause_job(job_id=job.pk)

    stage.tidy(after=61)

    assert fresh(job).state == "cancelling"
    assert stage.redis.exists(wire.cancel_key(f"{job.pk}.1"))
    spore.happen(sent, "cancelled")
    stage.read()
    assert (fresh(job).state, states(job)) == ("failed", ["cancelled"] * 3)
    assert json.loads(fresh(job).error)["type"] == "deadline"


def test_a_subtask_shows_as_running_after_a_second_with_its_node_and_start(stage):
    job = stage.submit()
    spore, sent = stage.bundle()
    began = stage.now
    stage.runs(spore, sent, since=began)

    stage.tidy(after=0.5)
    assert states(job) == ["waiting"]
    stage.tidy(after=0.5)

    row = Subtask.objects.get()
    assert (row.state, row.node, row.started_at) == ("running", spore.name, began)


def test_what_ended_meanwhile_does_not_show_as_running(stage):
    job = stage.submit()
    spore, sent = stage.bundle()
    stage.runs(spore, sent, since=stage.now)
    Subtask.objects.update(state="succeeded", result="1", attempt=1, seq=1)
    Job.objects.update(succeeded=1)

    stage.tidy(after=2)

    assert states(job) == ["succeeded"]
    Job.objects.update(state="succeeded")


@pytest.mark.parametrize("clock", [float("-inf"), -1e20, 0.0])
def test_a_node_that_lies_about_the_time_is_not_believed(stage, clock):
    stage.submit()
    spore, sent = stage.bundle()
    stage.runs(spore, sent, since=clock)

    stage.tidy(after=2)

    assert Subtask.objects.get().started_at == stage.now - timedelta(seconds=2)


def test_a_job_shows_as_running_with_as_many_slots_as_work_on_it(stage):
    job = stage.submit(5)
    assert stage.send() == 2

    stage.tidy()

    assert (fresh(job).state, fresh(job).running) == ("running", 2)
    assert fresh(job).started_at == stage.now
    stage.run()
    assert (fresh(job).state, fresh(job).running) == ("succeeded", 0)


def test_bundles_that_only_wait_behind_a_slot_do_not_count_as_running(stage):
    stage.workload._pace.learn("demo.echo", 0.001)
    job = stage.submit(100)
    stage.send()

    stage.tidy()

    assert len(stage.in_flight) == 4
    assert fresh(job).running == 2


def test_a_job_in_its_second_round_shows_as_running_again(stage):
    job = stage.submit(retries=0)
    spore, sent = stage.bundle()
    stage.tidy()
    spore.happen(sent)
    stage.read()
    retry_job(job_id=job.pk)
    stage.hint(job)
    assert fresh(job).state == "queued"

    stage.send()
    stage.tidy()

    assert fresh(job).state == "running"


def test_a_job_that_was_paused_before_it_showed_as_running_does_so_later(stage):
    job = stage.submit(3)
    stage.send()
    pause_job(job_id=job.pk)
    stage.tidy(after=NEXT_POLL)
    assert fresh(job).state == "paused"
    resume_job(job_id=job.pk)

    stage.tidy(after=NEXT_POLL)

    assert fresh(job).state == "running"


def test_queues_show_how_much_waits_and_for_how_long(stage):
    stage.submit(5)
    stage.submit(2, queue="high_priority")
    stage.submit(3, queue="high_priority")
    pause_queue(name="high_priority")
    stage.tidy(after=NEXT_POLL)
    stage.send()

    queues = stage.workload.snapshot(stage.now)["queues"]

    assert (queues["background"]["depth"], queues["background"]["paused"]) == (3, False)
    assert (queues["high_priority"]["depth"], queues["high_priority"]["paused"]) == (5, True)
    assert queues["high_priority"]["oldest_wait"] > 5
    assert queues["high_priority"]["ages"] == [0, 0, 0, 5]


def test_what_waits_grows_old_though_others_of_its_job_have_their_turn(stage):
    stage.submit(50)
    for _ in range(3):
        stage.tidy(after=6)
        stage.send()

    assert stage.workload.snapshot(stage.now)["queues"]["background"]["oldest_wait"] > 12


@pytest.mark.parametrize(
    ("waited", "ages"),
    [(0.5, [3, 0, 0, 0]), (5, [0, 3, 0, 0]), (10, [0, 0, 3, 0]), (3600, [0, 0, 0, 3])],
)
def test_queues_show_how_old_is_what_waits(stage, waited, ages):
    stage.submit(5)
    stage.send()
    [line] = stage.memory.backlog.lines()
    line.ready_since = stage.now.timestamp() - waited

    queue = stage.workload.snapshot(stage.now)["queues"]["background"]

    assert (queue["ages"], sum(queue["ages"])) == (ages, queue["depth"])


def test_queues_show_how_fast_work_comes_and_goes(stage):
    stage.workload.snapshot(stage.now)
    stage.submit(12)
    stage.send()
    stage.tidy(after=2)

    queue = stage.workload.snapshot(stage.now)["queues"]["background"]

    assert (queue["in"], queue["out"], queue["depth"]) == (6.0, 1.0, 10)


def test_what_ended_is_counted_for_its_node_and_what_is_tried_again_too(stage):
    stage.submit(2, retries=1)
    stage.send()
    first, second = stage.spores
    first.succeed(first.pop())
    second.happen(second.pop())
    stage.read()

    totals = stage.workload.totals()

    assert (totals.ended, totals.retried) == ({first.name: 1}, 1)
    assert (totals.sent, totals.succeeded) == ({"background": 2}, 1)


def test_how_much_a_node_has_in_hand_is_counted_without_a_look_at_it(stage):
    stage.submit(5)
    stage.send()

    assert stage.workload.busy("spore-1") == len(stage.workload.work_of("spore-1")) == 1
    assert stage.workload.busy("nobody") == 0


def test_the_work_of_a_node_is_told_for_each_busy_slot(stage):
    job = stage.submit(5)
    stage.send()
    stage.tidy()

    [row] = stage.workload.work_of("spore-1")

    assert (row["job"], row["task"], row["items"], row["reduce"]) == (job.pk, "demo.echo", 1, False)
    assert stage.workload.work_of("nobody") == []


def test_what_redis_missed_of_the_last_work_is_forgotten_there_once_it_is_back(stage, redis):
    job = stage.submit()
    spore, bundle = stage.bundle()
    spore.succeed(bundle)
    mail = stage.mail()
    with silence(redis):
        stage.workload.record(mail, stage.now)
    assert ledger(stage)

    stage.tidy(after=6)

    assert (fresh(job).state, ledger(stage)) == ("succeeded", [])
