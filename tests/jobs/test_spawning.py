"""Jobs that running tasks submit: each stored once, nonsense dropped, nobody poisoned."""

import json

import pytest

from jobs import spawning
from jobs.ids import new_job_id, spawned_job_id
from jobs.models import Job, Subtask
from jobs.services import cancel_job
from tests.hive_site.kernel.spans import recorded
from tests.jobs.stage import fresh, silence

ECHO = {"task": "demo.echo", "items": ["sub"]}


def event(bundle, wish=ECHO, *, call=0, position=0, **changes):
    subtask = bundle.items[position][0]
    text = wish if isinstance(wish, str) else json.dumps(wish)
    return {
        **{"k": "submit", "a": bundle.first + position, "s": subtask, "n": call, "wish": text},
        **changes,
    }


def say(spore, bundle, *events):
    spore.report(bundle=bundle.id, ok=[], events=list(events))


def spawned(job, call=0):
    row = Subtask.objects.get(job=job, index=0)
    return Job.objects.filter(pk=spawned_job_id(job.pk, row.pk, call)).first()


def test_a_job_is_stored_while_its_task_runs_and_runs_itself(stage):
    job = stage.submit(submitted_by="ann")
    spore, bundle = stage.bundle()

    say(spore, bundle, event(bundle))
    stage.read()
    spore.succeed(bundle)
    stage.run()

    made = spawned(job)
    assert (made.spawned_by, made.submitted_by) == (f"{job.pk}[0]", "ann")
    assert (fresh(job).state, made.state) == ("succeeded", "succeeded")


def test_said_again_by_this_or_another_attempt_it_is_one_job(stage):
    job = stage.submit()
    spore, bundle = stage.bundle()
    say(spore, bundle, event(bundle), event(bundle))
    stage.read()
    spore.happen(bundle, after=0)
    spore.end(bundle)
    stage.read()
    stage.tidy(after=1)

    other, again = next((s, b) for s, b in iter(stage.bundle, None) if b.items[0][2] == 2)
    say(other, again, event(again))
    stage.read()

    assert Job.objects.filter(spawned_by=f"{job.pk}[0]").count() == 1


def test_every_call_is_another_job(stage):
    job = stage.submit()
    spore, bundle = stage.bundle()
    child = {**ECHO, "depends_on": [spawned_job_id(job.pk, bundle.items[0][0], 0)]}

    say(spore, bundle, event(bundle), event(bundle, child, call=1))
    stage.read()

    assert (spawned(job, 0).state, spawned(job, 1).state) == ("queued", "blocked")


def test_what_is_told_after_the_end_of_its_attempt_counts_if_that_one_did(stage):
    """Redis was away: the report with the submission waited on disk, its successor did not."""
    job = stage.submit(2)
    spore, bundle = stage.bundle()
    spore.succeed(bundle)
    stage.read()
    say(spore, bundle, event(bundle))

    stage.read()

    assert spawned(job)


def test_of_an_attempt_that_counts_no_more_nothing_is_stored(stage):
    job = stage.submit()
    spore, bundle = stage.bundle()
    stage.workload.reclaim(spore.name, "gone", stage.now)

    say(spore, bundle, event(bundle))
    stage.read()

    assert spawned(job) is None


def test_nobody_submits_for_another_nodes_subtask(stage):
    job = stage.submit(2)
    spore, bundle = stage.bundle()
    other = next(s for s in stage.spores if s is not spore)

    say(other, bundle, event(bundle), event(bundle, a=bundle.first + 99))
    stage.read()

    assert Job.objects.count() == 1
    assert fresh(job).state == "queued"


@pytest.mark.parametrize(
    "nonsense",
    [
        {"wish": "{"},
        {"wish": "[]"},
        {"wish": "5"},
        {"wish": "{}"},
        {"wish": '{"task": "no.such"}'},
        {"wish": '{"task": "demo.echo", "depends_on": ["job_none"]}'},
        {"wish": '{"task": "demo.echo", "items": [{"$result": "x"}]}'},
        {"wish": '{"task": "demo.echo", "items": [NaN]}'},
        {"wish": "[" * 5000},
        {"wish": "x" * (1024 * 1024 + 1)},
        {"wish": None},
        {"wish": "\ud800"},
        {"n": -1},
        {"n": 1000},
        {"n": "0"},
        {"n": True},
        {"s": 1 << 70},
        {"a": None},
    ],
)
def test_nonsense_is_dropped_and_its_neighbours_are_stored(stage, nonsense):
    job = stage.submit()
    spore, bundle = stage.bundle()
    text = json.dumps([event(bundle, call=7), event(bundle, **nonsense), event(bundle, call=8)])

    say(spore, bundle, *json.loads(text))
    stage.read()
    spore.succeed(bundle)
    stage.read()

    assert spawned(job, 7)
    assert spawned(job, 8)
    assert Job.objects.count() == 3
    assert (fresh(job).state, stage.workload.snapshot(stage.now)["dead_letters"]) == (
        "succeeded",
        0,
    )


def test_a_job_that_is_being_cancelled_submits_nothing_more(stage):
    job = stage.submit()
    spore, bundle = stage.bundle()
    cancel_job(job_id=job.pk)

    say(spore, bundle, event(bundle))
    stage.read()

    assert spawned(job) is None


def test_jobs_of_jobs_end_somewhere(stage, monkeypatch):
    monkeypatch.setattr(spawning, "MAX_GENERATIONS", 2)
    job = stage.submit()
    spore, bundle = stage.bundle()
    say(spore, bundle, event(bundle))
    spore.succeed(bundle)
    stage.read()
    child = spawned(job)
    spore, bundle = stage.bundle()

    say(spore, bundle, event(bundle))
    stage.read()
    grandchild = spawned(child)
    spore.succeed(bundle)
    spore, bundle = stage.bundle()
    say(spore, bundle, event(bundle))
    stage.read()

    assert grandchild
    assert spawned(grandchild) is None


def test_the_foreman_needs_no_redis_to_store_them(stage, redis):
    job = stage.submit()
    spore, bundle = stage.bundle()
    say(spore, bundle, event(bundle))
    mail = stage.mail()

    with silence(redis):
        stage.workload.record(mail, stage.now)

    assert spawned(job)


def test_ids_sort_beside_their_parents_and_differ_by_subtask_and_call():
    parent, later = new_job_id(), f"job_7{'Z' * 25}"
    made = {spawned_job_id(parent, s, c) for s in range(20) for c in range(20)}

    assert len(made) == 400
    assert all(job[:14] == parent[:14] and len(job) == len(parent) for job in made)
    assert max(made) < later
    assert len(spawned_job_id("job_1", 1, 1)) == len(parent)


def test_what_a_traced_job_submits_belongs_to_its_trace(stage):
    with recorded():
        job = stage.submit()
        spore, bundle = stage.bundle()

        say(spore, bundle, event(bundle))
        stage.read()

    mine, its = fresh(job).traceparent, spawned(job).traceparent
    assert its[:35] == mine[:35] != ""
    assert its != mine
