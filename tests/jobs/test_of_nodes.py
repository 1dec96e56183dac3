"""What ended on a node, and what moved away from it."""

from datetime import timedelta

import pytest

from jobs import of_nodes
from jobs.models import Subtask
from jobs.of_nodes import latest_of_node, moved_from, running_on


def lose(stage, name: str) -> None:
    stage.workload.reclaim(name, "all its processes are gone", stage.now)


def test_what_was_lost_with_a_node_is_told_with_where_it_is(stage):
    job = stage.submit(1)
    spore, _ = stage.bundle()
    lose(stage, spore.name)
    [waiting] = moved_from(spore.name, stage.now - timedelta(seconds=1))
    other, sent = stage.bundle()
    other.succeed(sent)
    stage.read()

    [moved] = moved_from(spore.name, stage.now - timedelta(seconds=1))

    assert (waiting.state, waiting.node) == ("waiting", "")
    assert (moved.job, moved.index, moved.at) == (job.pk, 0, stage.now)
    assert (moved.state, moved.node) == ("succeeded", other.name)


def test_only_losses_of_that_node_since_then_count(stage):
    stage.submit(2, retries=1)
    stage.send()
    first, second = stage.spores
    second.happen(second.pop())
    stage.read()
    first.pop()
    lose(stage, first.name)

    assert len(moved_from(first.name, stage.now)) == 1
    assert moved_from(second.name, stage.now - timedelta(days=1)) == []
    assert moved_from(first.name, stage.now + timedelta(seconds=1)) == []


def test_no_more_is_told_than_was_asked_for(stage):
    stage.submit(4)
    spore = stage.spores[0]
    for _ in range(3):
        stage.send()
        spore.pop()
        lose(stage, spore.name)

    assert len(moved_from(spore.name, stage.now, limit=2)) == 2


def finish(stage, count: int, **wish) -> str:
    job = stage.submit(count, **wish)
    stage.run()
    return job.pk


def test_the_newest_that_ended_on_a_node_come_first(stage):
    older, newer = finish(stage, 6), finish(stage, 6)

    found = {spore.name: latest_of_node(spore.name) for spore in stage.spores}

    assert sum(map(len, found.values())) == 12
    for name, rows in found.items():
        assert {row.node for row in rows} == {name}
        jobs = [row.job_id for row in rows]
        assert jobs == sorted(jobs, key=[newer, older].index)


def test_a_job_that_runs_tells_what_ended(stage):
    stage.submit(3)
    spore, sent = stage.bundle()
    spore.succeed(sent)
    stage.tidy()
    stage.read()

    assert [row.index for row in latest_of_node(spore.name)] == [sent.items[0][1]]


def test_no_more_rows_are_looked_at_than_is_bearable(stage, monkeypatch):
    finish(stage, 6)
    finish(stage, 6)
    monkeypatch.setattr(of_nodes, "SUBTASKS_LOOKED_AT", 8)

    found = [row for spore in stage.spores for row in latest_of_node(spore.name)]

    assert len(found) <= 8


@pytest.mark.parametrize("limit", [1, 3])
def test_no_more_rows_are_told_than_were_asked_for(stage, limit):
    finish(stage, 10)

    assert all(len(latest_of_node(spore.name, limit)) <= limit for spore in stage.spores)


def test_a_reduction_is_told_too(stage):
    finish(stage, 1, reduce="demo.echo")

    roles = [row.role for spore in stage.spores for row in latest_of_node(spore.name)]

    assert sorted(roles) == ["map", "reduce"]


def test_what_runs_on_a_node_is_told_from_the_database(stage):
    job = stage.submit(1)
    spore, _ = stage.bundle()
    stage.read()
    Subtask.objects.update(state="running", node=spore.name, started_at=stage.now)

    [work] = running_on(spore.name, limit=2)

    assert (work["task"], work["job"], work["index"]) == (job.task, job.pk, 0)
    assert work["started_at"] == stage.now.isoformat()
    assert running_on("another", limit=2) == running_on(spore.name, limit=0) == []
