"""Second copies of what holds up the end of a job: over the real leader and a Redis in memory."""

import pytest

from jobs.models import Job, Subtask
from nodes import wire
from nodes.domain.states import NodeState
from tests.jobs.stage import Stage, states

pytestmark = pytest.mark.django_db


@pytest.fixture
def stage(unchecked_stage):
    """Two nodes of one slot; of demo.echo it is known that an item takes a second."""
    unchecked_stage.workload._pace.sample("demo.echo", [1.0] * 20)
    return unchecked_stage


def begin(stage: Stage, **wish):
    """A job of one item that runs on some node; and who runs it."""
    job = stage.submit(1, **wish)
    spore, sent = stage.bundle()
    stage.runs(spore, sent, since=stage.now)
    return job, spore, sent


def other(stage, spore):
    return next(one for one in stage.spores if one is not spore)


def test_what_runs_twice_as_long_as_others_is_tried_elsewhere_and_the_first_result_wins(stage):
    job, slow, sent = begin(stage)
    stage.tidy(after=1.9)
    assert stage.send() == 0
    stage.tidy(after=0.2)
    assert stage.send() == 1
    fast = other(stage, slow)

    copy = fast.pop()
    fast.succeed(copy)
    stage.read()

    assert states(job) == ["succeeded"]
    row = Subtask.objects.get(job=job)
    assert (row.node, row.attempts) == (fast.name, 2)
    assert row.placed.startswith(
        f"second copy: the first ran 2.1 s on {slow.name}, most take 1.0 s; best of 2"
    )
    assert stage.redis.exists(wire.cancel_key(wire.attempt_token(sent.first)))
    assert stage.workload.snapshot(stage.now)["second_copies"] == 1


def test_the_first_may_win_too_and_then_the_copy_is_stopped(stage):
    job, slow, sent = begin(stage)
    stage.tidy(after=3)
    stage.send()
    copy = other(stage, slow).pop()

    slow.succeed(sent)
    stage.read()

    row = Subtask.objects.get(job=job)
    assert (row.state, row.node, row.attempts) == ("succeeded", slow.name, 1)
    assert stage.redis.exists(wire.cancel_key(wire.attempt_token(copy.first)))


def test_there_is_one_copy_and_no_more(stage):
    begin(stage)

    for _ in range(5):
        stage.tidy(after=3)
        stage.send()

    assert len(stage.in_flight) == 2
    assert stage.workload.snapshot(stage.now)["second_copies"] == 1


@pytest.mark.parametrize(
    "forbid",
    [
        lambda job: Job.objects.filter(pk=job.pk).update(idempotent=False),
        lambda job: Job.objects.filter(pk=job.pk).update(idempotent=False, at_most_once=True),
    ],
)
def test_what_should_not_run_twice_never_gets_a_copy(stage, forbid):
    job, *_ = begin(stage)
    forbid(job)
    stage.workload.heed([], stage.now)
    stage.workload._reread({job.pk}, stage.now)

    stage.tidy(after=30)

    assert stage.send() == 0


def test_a_copy_needs_an_idle_slot_elsewhere(stage):
    job, *_ = begin(stage)
    begin(stage)  # the other node is busy as well

    stage.tidy(after=3)

    assert stage.send() == 0
    assert states(job) == ["running"]
    assert stage.workload.snapshot(stage.now)["second_copies"] == 0


def test_a_copy_goes_only_where_the_work_can_run(stage):
    stage.roster["spore-1"].set_labels = {"site": "lab"}
    begin(stage, requires={"labels": {"site": "lab"}})

    stage.tidy(after=3)

    assert stage.send() == 0
    assert stage.workload.snapshot(stage.now)["second_copies"] == 0


def test_a_copy_goes_only_where_the_code_has_the_task(stage):
    _, slow, _ = begin(stage)
    stage.roster[other(stage, slow).name].tasks = frozenset({"other.task"})

    stage.tidy(after=3)

    assert stage.send() == 0
    assert stage.workload.snapshot(stage.now)["second_copies"] == 0


def test_while_anything_of_the_job_waits_nothing_is_doubled(stage):
    begin(stage)
    job = stage.submit(3)
    spore, sent = stage.bundle()
    stage.runs(spore, sent, since=stage.now)

    stage.tidy(after=3)

    assert all(ready.copy_because == "" for ready in stage.memory.backlog.get(job.pk).ready)


def test_of_an_unknown_task_nobody_knows_what_is_long(unchecked_stage):
    begin(unchecked_stage)

    unchecked_stage.tidy(after=300)

    assert unchecked_stage.workload.snapshot(unchecked_stage.now)["second_copies"] == 0


def test_a_silent_node_is_another_matter(stage):
    _, slow, _ = begin(stage)
    stage.roster[slow.name].state = NodeState.SUSPECT

    stage.tidy(after=3)

    assert stage.workload.snapshot(stage.now)["second_copies"] == 0


def test_a_copy_that_nobody_began_is_given_up_when_the_first_fails_and_the_retry_is_none(stage):
    job, slow, sent = begin(stage, retries=1)
    stage.tidy(after=3)  # the copy is ready, and not sent yet
    slow.happen(sent, "fail")

    stage.read()

    line = stage.memory.backlog.get(job.pk)
    assert not line.ready
    [(_, _, again)] = line.later
    assert (again.number, again.copy_because) == (2, "")


def test_a_copy_that_comes_back_untouched_as_the_last_one_may_run_anywhere(stage):
    job, slow, sent = begin(stage)
    stage.tidy(after=3)
    stage.send()
    fast = other(stage, slow)
    copy = fast.pop()
    slow.happen(sent, "fail")  # an echo: the copy still runs
    stage.read()

    fast.report(bundle=copy.id, ok=[], events=[{"k": "back", "all": True}])
    fast.end(copy)
    stage.read()

    [ready] = stage.memory.backlog.get(job.pk).ready
    assert ready.copy_because == ""
    stage.roster[fast.name].state = NodeState.LOST
    slow.end(sent)
    assert stage.send() == 1


def test_how_long_items_took_is_learned_from_reports(stage):
    stage.submit(4)
    stage.run()

    assert stage.workload._pace.measured("demo.echo") == 24


def test_a_reduction_teaches_nothing_about_items(unchecked_stage):
    stage = unchecked_stage
    job = stage.submit(1, reduce="demo.echo")
    spore, sent = stage.bundle()
    spore.succeed(sent)
    stage.read()
    spore, sent = stage.bundle()
    assert len(sent.items) == 1
    spore.succeed(sent)
    stage.read()

    assert Job.objects.get(pk=job.pk).state == "succeeded"
    assert stage.workload._pace.measured("demo.echo") == 1
