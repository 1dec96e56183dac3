"""GPUs are leased from when work is sent until its end is recorded, however it ends."""

from dataclasses import replace

import pytest

from jobs.models import Subtask
from jobs.services import cancel_job
from nodes import wire
from nodes.domain.placement import Gpu
from nodes.domain.states import NodeState

pytestmark = pytest.mark.django_db
CARDS = tuple(Gpu(n, "card", 8000, 8000) for n in range(2))


@pytest.fixture
def stage(unchecked_stage):
    """Two nodes, of which the first has two devices and three slots."""
    rig = unchecked_stage.roster["spore-1"]
    rig.beat = replace(rig.beat, slots=3, gpus=CARDS)
    return unchecked_stage


def lease(stage, count=1, **wish):
    """Send work that needs a device each; the jobs, and the bundles that the rig popped."""
    jobs = [stage.submit(1, requires={"gpu": 1}, **wish) for _ in range(count)]
    stage.send()
    rig = stage.spores[0]
    return jobs, [rig.pop() for _ in range(stage.redis.llen(wire.queue_key(rig.name)))]


def test_a_third_waits_for_one_of_two_devices(stage):
    _, sent = lease(stage, 3)

    assert sorted(bundle.gpus for bundle in sent) == [(0,), (1,)]


def succeed(stage, job, sent):
    stage.spores[0].succeed(sent)
    stage.read()


def fail(stage, job, sent):
    stage.spores[0].happen(sent, "fail", final=True)
    stage.read()


def crash(stage, job, sent):
    stage.spores[0].crash(sent)
    stage.read()


def lose(stage, job, sent):
    """The rig dies, and comes back at once."""
    stage.roster["spore-1"].state = NodeState.LOST
    stage.take_back()
    stage.roster["spore-1"].state = NodeState.ONLINE
    Subtask.objects.filter(job=job).update(state="cancelled")
    stage.memory.backlog.close(job.pk)


def cancel(stage, job, sent):
    cancel_job(job_id=job.pk)
    stage.hint(job, "cancel")
    stage.spores[0].happen(sent, "cancelled")
    stage.read()


def hand_back(stage, job, sent):
    stage.spores[0].report(bundle=sent.id, ok=[], events=[{"k": "back", "all": True}])
    stage.read()
    stage.memory.backlog.close(job.pk)


@pytest.mark.parametrize("end", [succeed, fail, crash, lose, cancel, hand_back])
def test_however_work_ends_its_device_is_leased_again(stage, end):
    jobs, sent = lease(stage, 2, retries=0)

    end(stage, jobs[0], sent[0])
    _, again = lease(stage)

    expected = {(0,), (1,)} if end is lose else {sent[0].gpus}
    assert {bundle.gpus for bundle in again} <= expected
    assert again


def test_a_new_leader_knows_which_devices_are_leased_and_why_what_runs_runs_there(stage):
    [job], [held] = lease(stage)
    rig = stage.spores[0]
    stage.runs(rig, held, since=stage.now)
    stage.tidy(after=2)

    stage.take_over()
    _, others = lease(stage, 2)

    assert [bundle.gpus for bundle in others] == [(1 - held.gpus[0],)]
    rig.succeed(held)
    stage.read()
    assert Subtask.objects.get(job=job).placed == f"gpu {held.gpus[0]}; the only one with 1 GPU"
