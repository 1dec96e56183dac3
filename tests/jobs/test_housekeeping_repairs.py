"""What was lost on the way is found by comparing with the database and Redis."""

import json

import pytest

from hive_site.kernel.errors import Deposed
from jobs.housekeeping import POLL_SECONDS
from jobs.models import Attempt, Job, Subtask
from jobs.search import MISSING_AFTER_SECONDS
from jobs.services import (
    cancel_job,
    pause_job,
    pause_queue,
    resume_job,
    resume_queue,
    submit_job,
)
from nodes import wire
from nodes.domain.states import NodeState
from tests.jobs.stage import depose, fresh, listen, outage, states

NEXT_POLL = POLL_SECONDS
LOST = MISSING_AFTER_SECONDS + 1


def test_a_hint_that_was_lost_costs_five_seconds(stage):
    job = submit_job(task="demo.echo")

    stage.tidy(after=NEXT_POLL)
    assert stage.send() == 1
    cancel_job(job_id=job.pk)
    stage.tidy(after=NEXT_POLL)

    assert fresh(job).state == "cancelled"


def test_a_pause_whose_hint_was_lost_is_found_and_so_is_its_end(stage):
    job = stage.submit(9)
    pause_job(job_id=job.pk)
    stage.tidy(after=NEXT_POLL)
    assert stage.send() == 0
    resume_job(job_id=job.pk)

    stage.tidy(after=NEXT_POLL)

    assert stage.send() == 2


def test_a_paused_queue_starts_nothing_more_and_what_runs_goes_on(stage):
    job = stage.submit(3)
    spore, sent = stage.bundle()
    pause_queue(name="background")
    stage.tidy(after=NEXT_POLL)
    spore.succeed(sent)
    stage.read()
    assert (stage.send(), states(job)) == (0, ["succeeded", "waiting", "waiting"])
    resume_queue(name="background")

    stage.tidy(after=NEXT_POLL)

    assert stage.send() == 1


def test_a_bundle_that_is_nowhere_at_two_looks_is_sent_again(stage):
    job = stage.submit()
    spore, sent = stage.bundle()
    spore.end(sent)  # refused, or dropped by a slot without a word

    stage.tidy(after=LOST)
    assert (len(stage.in_flight), states(job)) == (1, ["waiting"])
    stage.tidy(after=NEXT_POLL)

    assert (stage.in_flight, Attempt.objects.get().outcome) == ([], "lost")
    assert Subtask.objects.get().errors == 0
    stage.run()
    assert fresh(job).state == "succeeded"


def test_a_bundle_is_missed_only_after_a_while(stage):
    stage.submit()
    spore, sent = stage.bundle()
    spore.end(sent)

    for _ in range(3):
        stage.tidy(after=MISSING_AFTER_SECONDS / 4)

    assert len(stage.in_flight) == 1


@pytest.mark.parametrize("place", ["queue", "slot", "heartbeat"])
def test_a_bundle_that_is_somewhere_is_not_missing(stage, place):
    stage.submit()
    stage.send()
    if place != "queue":
        spore, sent = stage.bundle()
    if place == "heartbeat":
        spore.end(sent)
        stage.runs(spore, sent, since=stage.now)

    for _ in range(4):
        stage.tidy(after=LOST)

    assert len(stage.in_flight) == 1
    assert not Attempt.objects.exists()


def test_a_bundle_seen_again_between_two_looks_is_not_missing(stage):
    stage.submit()
    spore, sent = stage.bundle()
    key = wire.intermediate_key(spore.name)

    for look in range(6):
        stage.redis.delete(key) if look % 2 else stage.redis.rpush(key, sent.id)
        stage.tidy(after=LOST)

    assert len(stage.in_flight) == 1


def test_a_cancellation_that_an_outage_cut_short_is_finished_later(stage):
    job = stage.submit(5)
    spore, sent = stage.bundle()
    cancel_job(job_id=job.pk)
    with outage(stage.redis):
        stage.hint(job, "cancel")

    stage.tidy(after=NEXT_POLL)

    assert stage.redis.exists(wire.cancel_key(f"{job.pk}.1"))
    spore.happen(sent, "cancelled")
    stage.read()
    assert (fresh(job).state, states(job)) == ("cancelled", ["cancelled"] * 5)


def test_work_on_a_lost_node_that_an_outage_kept_there_is_taken_back_later(stage):
    job = stage.submit()
    spore, _ = stage.bundle()
    stage.roster[spore.name].state = NodeState.LOST
    with outage(stage.redis):
        stage.take_back()

    stage.take_back()

    assert (stage.in_flight, states(job)) == ([], ["waiting"])
    assert stage.send() == 1


def test_work_on_a_node_that_was_deleted_is_taken_back(stage):
    stage.submit()
    spore, _ = stage.bundle()
    stage.roster.drop(spore.name)

    stage.take_back()

    assert stage.in_flight == []


def test_a_subtask_that_memory_lost_is_read_again(stage):
    job = stage.submit(2)
    line = stage.memory.backlog.get(job.pk)
    line.ready.pop()
    stage.run()
    assert states(job) == ["succeeded", "waiting"]

    stage.tidy(after=NEXT_POLL)
    stage.run()

    assert fresh(job).state == "succeeded"


def end_behind_its_back(stage):
    """A job whose end the database knows and memory does not."""
    job = stage.submit()
    stage.memory.backlog.get(job.pk).ready.clear()
    Subtask.objects.update(state="succeeded", result="1", attempt=1, seq=1)
    Job.objects.update(succeeded=1)
    return job


def test_a_job_that_ended_unnoticed_is_ended_and_told_of(stage):
    job = end_behind_its_back(stage)
    ear = listen(stage)

    stage.tidy(after=NEXT_POLL)

    assert (fresh(job).state, job.pk in stage.memory.backlog) == ("succeeded", False)
    assert json.loads(ear.get_message()["data"])["ended"] == [job.pk]


def test_a_leader_that_was_deposed_ends_nothing(stage):
    job = end_behind_its_back(stage)
    depose(stage)

    with pytest.raises(Deposed):
        stage.tidy(after=NEXT_POLL)

    assert fresh(job).state == "queued"
