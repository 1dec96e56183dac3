"""Cancelling a job, wherever its work is."""

import json

import pytest

from hive_site.kernel.errors import Deposed
from jobs.models import Subtask
from jobs.services import cancel_job, retry_job
from nodes import wire
from tests.jobs.stage import depose, fresh, ledger, listen, states


def test_cancelling_what_waits_ends_it_at_once(stage):
    job = stage.submit(5)
    cancel_job(job_id=job.pk)

    stage.hint(job, "cancel")

    assert (fresh(job).state, states(job)) == ("cancelled", ["cancelled"] * 5)


def test_whoever_waits_for_a_cancelled_job_is_told(stage):
    ear = listen(stage)
    job = stage.submit(5)
    cancel_job(job_id=job.pk)

    stage.hint(job, "cancel")

    assert json.loads(ear.get_message()["data"]) == {"jobs": [job.pk], "ended": [job.pk]}
    assert job.pk not in stage.memory.backlog


def test_a_leader_that_was_deposed_cancels_nothing(stage):
    job = stage.submit(5)
    cancel_job(job_id=job.pk)
    depose(stage)

    with pytest.raises(Deposed):
        stage.hint(job, "cancel")

    assert (fresh(job).state, states(job)) == ("cancelling", ["waiting"] * 5)


def test_cancelling_takes_back_what_no_slot_has_popped(stage):
    job = stage.submit(2)
    stage.send()
    cancel_job(job_id=job.pk)

    stage.hint(job, "cancel")

    assert (fresh(job).state, stage.in_flight, ledger(stage)) == ("cancelled", [], [])
    assert [stage.redis.llen(wire.queue_key(s.name)) for s in stage.spores] == [0, 0]


@pytest.mark.parametrize(
    ("kind", "state", "counted"),
    [
        ("cancelled", "cancelled", (0, 0, 3)),
        ("timeout", "cancelled", (0, 0, 3)),
        ("fail", "cancelled", (0, 0, 3)),
        ("back", "cancelled", (0, 0, 3)),
        ("died", "cancelled", (0, 0, 3)),
        ("success", "cancelled", (1, 0, 2)),
    ],
)
def test_cancelling_what_runs_waits_for_its_end_whatever_that_is(stage, kind, state, counted):
    job = stage.submit(3)
    spore, sent = stage.bundle()
    cancel_job(job_id=job.pk)
    stage.hint(job, "cancel")
    assert fresh(job).state == "cancelling"
    assert stage.redis.get(wire.cancel_key(f"{job.pk}.1")) == b"1"

    if kind == "success":
        spore.succeed(sent)
    else:
        spore.happen(sent, kind, all=True, why="crashed", how="signal SIGKILL")
    stage.read()

    job = fresh(job)
    assert (job.state, (job.succeeded, job.failed, job.cancelled)) == (state, counted)
    assert "waiting" not in states(job)


def test_cancelling_leaves_nothing_of_what_a_slot_hands_back_while_its_first_item_runs(stage):
    stage.workload._pace.learn("demo.echo", 0.001)
    job = stage.submit(40)
    spore, sent = stage.bundle()
    assert len(sent.items) > 1
    cancel_job(job_id=job.pk)
    stage.hint(job, "cancel")

    spore.happen(sent, "back", attempts=list(range(sent.first + 1, sent.first + len(sent.items))))
    stage.read()
    spore.happen(sent, "cancelled")
    stage.read()

    assert fresh(job).state == "cancelled"


def test_cancelling_a_retry_that_waits_for_its_time(stage):
    job = stage.submit()
    spore, sent = stage.bundle()
    spore.happen(sent)
    stage.read()
    cancel_job(job_id=job.pk)

    stage.hint(job, "cancel")

    assert (fresh(job).state, states(job)) == ("cancelled", ["cancelled"])
    assert Subtask.objects.get().retry_at is None


def test_cancelling_during_the_reduction(stage):
    job = stage.submit(1, reduce="demo.echo")
    spore, sent = stage.bundle()
    spore.succeed(sent)
    stage.read()
    spore, reduction = stage.bundle()
    cancel_job(job_id=job.pk)
    stage.hint(job, "cancel")

    spore.happen(reduction, "cancelled")
    stage.read()

    assert (fresh(job).state, states(job)) == ("cancelled", ["succeeded", "cancelled"])


def test_a_retry_by_hand_is_a_new_round_that_the_old_cancellation_does_not_touch(stage):
    job = stage.submit(3)
    spore, sent = stage.bundle()
    cancel_job(job_id=job.pk)
    stage.hint(job, "cancel")
    spore.succeed(sent)
    stage.read()
    retry_job(job_id=job.pk)
    stage.hint(job)

    spore, again = stage.bundle()

    assert again.stop_token == f"{job.pk}.2"
    assert not stage.redis.exists(wire.cancel_key(again.stop_token))
    spore.succeed(again)
    stage.read()
    stage.run()
    assert (fresh(job).state, fresh(job).succeeded, fresh(job).cancelled) == ("succeeded", 3, 0)
