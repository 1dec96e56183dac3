"""Limits in the hands of a leader: after a take-over, and for who waits."""

import json
from datetime import timedelta

import pytest

from jobs import limits
from jobs.domain.limits import Limit, Rate
from jobs.limits import effective_limits, recall_starts
from jobs.models import Attempt, Subtask, TaskLimit
from jobs.registry import registry, task
from jobs.services import drop_limits, pause_job, pause_queue, resume_job, set_limits, submit_job
from jobs.steering import POLL_SECONDS
from nodes.ports import Wakeup
from tests.jobs.cast import FIRST
from tests.jobs.stage import Stage, fresh

ECHO = "demo.echo"


@pytest.fixture
def wide(redis, db):
    """Two nodes of four slots."""
    return Stage(redis, slots=4)


def limit(stage, **wishes):
    set_limits(task=ECHO, **wishes)
    stage.workload.heed([Wakeup("limits", ECHO)], stage.now)


def test_a_new_leader_counts_what_its_predecessor_sent(wide):
    limit(wide, concurrency=3)
    wide.submit(9)
    assert wide.send() == 3

    wide.take_over()

    assert wide.send() == 0
    for spore in wide.spores:
        if wide.redis.llen(f"rq:queue:{spore.name}"):
            spore.succeed(spore.pop())
            break
    wide.read()
    assert wide.send() == 1


def test_a_new_leader_counts_what_its_predecessor_let_start(wide):
    limit(wide, rate="5/hour")
    job = wide.submit(9)
    assert wide.send() == 5
    began = wide.now.timestamp()
    for spore in wide.spores:
        while wide.redis.llen(f"rq:queue:{spore.name}"):
            spore.succeed(spore.pop(), at=began)
    wide.read()
    assert fresh(job).succeeded == 5

    wide.take_over()

    assert wide.send() == 0
    wide.now += timedelta(hours=1)
    assert wide.send() == 4


def test_a_limit_set_without_a_hint_counts_within_seconds_and_lifting_it_too(wide):
    set_limits(task=ECHO, concurrency=1)
    wide.tidy(after=POLL_SECONDS)
    wide.submit(5)
    assert wide.send() == 1

    drop_limits(task=ECHO)
    wide.tidy(after=POLL_SECONDS)

    assert wide.send() == 4


def test_the_leader_rests_until_the_rate_lets_something_start(wide):
    limit(wide, rate="2/second")
    wide.submit(5)
    assert wide.send() == 2
    wide.now += timedelta(seconds=0.8)
    assert wide.send() == 0

    rest = wide.workload.next_due(wide.now)

    assert timedelta(seconds=0.2) <= rest < timedelta(seconds=0.3)
    wide.now += rest + timedelta(milliseconds=1)
    assert wide.send() == 2


def test_a_paused_job_under_a_limit_leaves_it_to_others(wide):
    limit(wide, concurrency=1)
    first = wide.submit(2, priority=9)
    second = wide.submit(2)
    pause_job(job_id=first.pk)
    wide.hint(first)

    wide.send()

    assert [sent.job for sent in wide.in_flight] == [second.pk]
    resume_job(job_id=first.pk)
    wide.hint(first)
    wide.run()
    assert (fresh(first).state, fresh(second).state) == ("succeeded", "succeeded")


def message(job):
    return json.loads(fresh(job).error)["message"]


def overdue(stage, **wish):
    return stage.submit(deadline=stage.now + timedelta(seconds=60), **wish)


def test_a_job_that_a_limit_held_back_until_its_deadline_says_so(wide):
    limit(wide, concurrency=1)
    wide.submit(5, priority=9)
    late = overdue(wide)
    wide.send()

    wide.tidy(after=61)

    assert fresh(late).state == "failed"
    assert message(late) == (
        "the job's deadline passed; it waited: limit of 1 at once for demo.echo"
    )


def test_a_job_that_no_node_can_run_says_so_at_its_deadline(stage):
    late = overdue(stage, requires={"gpu": 4})
    stage.send()

    stage.tidy(after=61)

    assert message(late).startswith("the job's deadline passed; it waited: no node")


def test_a_job_that_was_paused_until_its_deadline_says_so(stage):
    paused, queued = overdue(stage), overdue(stage, queue="high_priority")
    pause_job(job_id=paused.pk)
    pause_queue(name="high_priority")
    stage.workload.heed([Wakeup("queue", "high_priority")], stage.now)

    stage.tidy(after=61)

    assert message(paused).endswith("it waited: it is paused")
    assert message(queued).endswith("it waited: queue high_priority is paused")


def test_a_job_that_runs_at_its_deadline_waited_for_nothing(stage):
    late = overdue(stage)
    spore, sent = stage.bundle()

    stage.tidy(after=61)
    spore.happen(sent, "cancelled")
    stage.read()

    assert message(late) == "the job's deadline passed"


def test_the_share_of_a_job_is_its_submitters(stage):
    job = submit_job(task=ECHO, submitted_by="key:ann")
    stage.hint(job)

    assert stage.memory.backlog.get(job.pk).order.submitter == "key:ann"
    stage.run()


@pytest.mark.django_db
def test_what_operators_say_replaces_what_the_code_says():
    task("few.only", rate="10/second", concurrency=5)(lambda ctx, item: item)
    try:
        assert effective_limits() == {"few.only": Limit(Rate(10, "second"), 5)}
        TaskLimit.objects.create(task="few.only", rate="1/day")
        assert effective_limits() == {"few.only": Limit(Rate(1, "day"))}
        TaskLimit.objects.update(rate="")
        assert effective_limits() == {}
    finally:
        registry._tasks.pop("few.only")


@pytest.mark.django_db
def test_a_task_module_that_breaks_keeps_the_leader_from_nothing(monkeypatch):
    TaskLimit.objects.create(task=ECHO, concurrency=2)

    def break_down():
        raise ImportError("no torch here")

    monkeypatch.setattr(limits, "known_tasks", break_down)

    assert effective_limits()[ECHO].concurrency == 2


@pytest.mark.parametrize("options", [{"rate": "fast"}, {"concurrency": 0}, {"concurrency": "5"}])
def test_limits_that_make_no_sense_fail_where_the_task_is_written(options):
    with pytest.raises(ValueError, match="give"):
        task("few.wrong", **options)(lambda ctx, item: item)
    assert "few.wrong" not in registry


def test_starts_are_recalled_once_each_from_ends_and_from_earlier_tries(stage):
    job = stage.submit(3, reduce="text.merge_counts")
    other = stage.submit(1, task="demo.sleep")
    rows = list(Subtask.objects.filter(job=job).order_by("index"))
    at = stage.now - timedelta(seconds=30)
    ended = {"state": "succeeded", "started_at": at, "result": "1", "attempt": 1}
    for row in rows[:2]:
        Subtask.objects.filter(pk=row.pk).update(**ended)
    tries = [
        (rows[0], at - timedelta(seconds=5)),
        (rows[0], at),
        (rows[1], at - timedelta(hours=1)),
    ]
    for n, (row, began) in enumerate(tries):
        Attempt.objects.create(
            id=FIRST + n, subtask=row, number=n, node="a", outcome="failed", started_at=began
        )

    since = stage.now.timestamp() - 60

    assert len(recall_starts(ECHO, since, 10)) == 3
    assert recall_starts(ECHO, since, 1) == [at.timestamp()]
    assert recall_starts("text.merge_counts", since, 10) == []
    assert recall_starts("demo.sleep", since, 10) == []
    Subtask.objects.filter(job__in=[job, other]).update(state="waiting", result=None, attempt=0)
    Attempt.objects.all().delete()
