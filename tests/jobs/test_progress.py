"""How far subtasks are: from the heartbeat into the picture, and from there to people."""

import json
from dataclasses import replace

import pytest

from jobs import selectors
from nodes import wire
from nodes.domain.beats import Running


def say(stage, spore, bundle, progress, message):
    """The node's heartbeat tells how far a bundle's first item is."""
    seat = stage.roster[spore.name]
    running = Running(bundle.first, stage.now.timestamp(), progress, message)
    seat.beat = replace(seat.beat, running=(running,))
    stage.tidy()


def draw(stage):
    """The Foreman's picture of this moment, as far as it shows work."""
    import time

    nodes = [{"name": n.name, "work": stage.workload.work_of(n.name)} for n in stage.roster]
    stage.redis.set(wire.SNAPSHOT, json.dumps({"at": time.time(), "nodes": nodes}))


def test_what_a_task_says_of_its_progress_is_shown_while_it_runs(stage):
    job = stage.submit()
    spore, bundle = stage.bundle()
    say(stage, spore, bundle, 0.25, "a quarter")
    draw(stage)

    told = selectors.progress_told({job.pk})
    view = json.loads(selectors.subtask_text(job, 0))

    assert told == {
        job.pk: {
            0: {
                "index": 0,
                "reduce": False,
                "attempt": 1,
                "progress": 0.25,
                "message": "a quarter",
                "node": spore.name,
            }
        }
    }
    assert (view["progress"], view["message"]) == (0.25, "a quarter")


def test_of_other_jobs_nothing_is_told(stage):
    stage.submit()
    spore, bundle = stage.bundle()
    say(stage, spore, bundle, 0.25, "")
    draw(stage)

    assert selectors.progress_told({"job_x"}) == {}


def test_who_says_nothing_is_not_shown(stage):
    job = stage.submit()
    spore, bundle = stage.bundle()
    say(stage, spore, bundle, 0.0, "")
    draw(stage)

    assert selectors.progress_told({job.pk}) == {}
    assert json.loads(selectors.subtask_text(job, 0))["progress"] is None
    [row] = stage.workload.work_of(spore.name)
    assert "progress" not in row


def test_what_has_ended_makes_no_progress(stage):
    job = stage.submit()
    spore, bundle = stage.bundle()
    say(stage, spore, bundle, 0.9, "nearly")
    draw(stage)
    spore.succeed(bundle)
    stage.read()

    assert json.loads(selectors.subtask_text(job, 0))["progress"] is None


@pytest.mark.parametrize("text", [None, json.dumps({"at": 0, "nodes": [{"name": "a"}]})])
def test_while_the_foreman_is_away_nothing_is_told(stage, text):
    if text:
        stage.redis.set(wire.SNAPSHOT, text)

    assert selectors.progress_told({"job_x"}) == {}
