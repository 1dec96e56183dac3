"""A reduction is run by the options of its own task, not by those of the items."""

import pytest

from jobs.invariants import check_database
from jobs.models import Job, Subtask
from jobs.registry import Task, registry
from jobs.validation import known_tasks
from tests.jobs.stage import fresh

OPTIONS = {"at_most_once": True, "timeout": 7, "retries": 1, "backoff": (0,), "memory_mb": 200}


@pytest.fixture(autouse=True)
def tasks(monkeypatch):
    """Reductions with wishes of their own."""
    made = dict(known_tasks()._tasks)
    made["test.once"] = Task("test.once", print, **OPTIONS)
    made["test.twice"] = Task("test.twice", print, retries=1, backoff=(0,))
    made["test.elsewhere"] = Task("test.elsewhere", print, labels={"zone": "mars"})
    made["test.apart"] = Task("test.apart", print, labels={"zone": "earth"})
    monkeypatch.setattr(registry, "_tasks", made)


def reducing(stage, **wish):
    """The bundle of the reduction of a job whose only item is done."""
    job = stage.submit(1, **wish)
    spore, sent = stage.bundle()
    spore.succeed(sent)
    stage.read()
    return job, *stage.bundle()


def fail(stage, spore, bundle):
    spore.happen(bundle)
    spore.end(bundle)
    stage.read()


def test_what_may_never_run_twice_does_not_as_a_reduction(stage):
    job, spore, bundle = reducing(stage, reduce="test.once")

    fail(stage, spore, bundle)

    assert fresh(job).state == "failed"
    assert "at_most_once" in Subtask.objects.get(role="reduce").error


def test_it_is_written_down_before_it_is_sent(stage):
    reducing(stage, reduce="test.once")

    assert Subtask.objects.get(role="reduce").state == "queued"


def test_another_foreman_does_not_send_it_again(stage):
    job, _, _ = reducing(stage, reduce="test.once")
    stage.redis.flushall()

    stage.take_over()
    stage.send()

    assert not stage.in_flight
    assert fresh(job).state == "failed"


def test_of_items_that_may_never_run_twice_the_reduction_may(stage):
    job, spore, bundle = reducing(stage, task="test.once", reduce="test.twice")

    fail(stage, spore, bundle)
    stage.tidy(after=1)
    again = stage.bundle()[1]

    assert (again.task, again.items[0][2]) == ("test.twice", 2)
    assert fresh(job).state != "failed"
    assert check_database() == []


def test_it_has_the_retries_of_its_task(stage):
    job, spore, bundle = reducing(stage, reduce="test.twice", on_error="collect")
    fail(stage, spore, bundle)
    stage.tidy(after=1)
    fail(stage, *stage.bundle())

    assert fresh(job).state == "failed"
    assert Subtask.objects.get(role="reduce").errors == 2


def test_it_has_the_timeout_of_its_task_unless_the_job_names_one(stage):
    assert reducing(stage, reduce="test.once")[2].timeout == 7
    assert reducing(stage, reduce="test.once", timeout=9)[2].timeout == 9


def test_it_waits_for_a_node_that_its_task_requires(stage):
    job = stage.submit(1, reduce="test.elsewhere")
    spore, sent = stage.bundle()
    spore.succeed(sent)
    stage.read()

    assert stage.send() == 0
    assert "zone=mars" in stage.memory.backlog.get(job.pk).awaiting_room


def test_what_only_the_items_require_is_not_asked_for_it(stage):
    job = stage.submit(1, task="test.apart", reduce="demo.echo")

    assert job.requires == {"labels": {"zone": "earth"}}
    assert job.reduction["requires"] == {}


def test_jobs_of_before_reductions_had_options_run_them_as_their_items(stage):
    job = stage.submit(1, reduce="test.once", timeout=5)
    Job.objects.filter(pk=job.pk).update(reduction=None, at_most_once=False)

    stage.take_over()

    order = stage.memory.backlog.get(job.pk).order
    assert (order.reduction.task, order.reduction.timeout, order.reduction.once) == (
        "test.once",
        5,
        False,
    )
