"""Redis goes away and comes back: nothing of the Hive ends, and nothing is done twice."""

import signal

import pytest
from redis import Redis

from tests.end_to_end.colony import SLOTS, SPORES, is_gone, until

pytestmark = pytest.mark.processes

ALL_SLOTS = SPORES * SLOTS


@pytest.fixture(autouse=True)
def everybody_lives(colony):
    """No process of the Hive but Redis may end in these tests."""
    colony.heal()
    before = [slot for name in colony.nodes() for slot in colony.slots(name)]
    yield
    colony.heal()
    assert [slot for slot in before if is_gone(slot)] == []


def test_results_made_while_redis_is_dead_are_told_when_it_is_back(colony, hive, marks):
    held = hive.submit("odd.hold", [str(marks.place)] * ALL_SLOTS, retries=0)["id"]
    marks.await_count(ALL_SLOTS)

    colony.kill("redis")
    marks.go()
    until(lambda: len(marks.done()) == ALL_SLOTS, what="results that nobody can be told of")
    late = hive.submit("demo.echo", [1, 2, 3], retries=0)["id"]  # the database takes it
    until(lambda: colony.stack.mind(restart=True)[1] == ["redis"], what="another Redis")

    for job in (held, late):
        assert hive.wait(job, 60)["state"] == "succeeded"
        assert {row["attempts"] for row in colony.subtasks(job)} == {1}
    assert len(marks.read()) == ALL_SLOTS


def test_a_redis_that_hangs_for_a_while_holds_nobody_up_for_longer(colony, hive, marks):
    held = hive.submit("odd.hold", [str(marks.place)] * ALL_SLOTS, retries=0)["id"]
    marks.await_count(ALL_SLOTS)

    colony.signal("redis", signal.SIGSTOP)
    marks.go()
    until(lambda: len(marks.done()) == ALL_SLOTS, what="results that nobody can be told of")
    colony.signal("redis", signal.SIGCONT)

    assert hive.wait(held, 60)["state"] == "succeeded"
    assert {row["attempts"] for row in colony.subtasks(held)} == {1}
    assert len(marks.read()) == ALL_SLOTS


def test_a_redis_that_loses_its_memory_costs_no_attempt(colony, hive):
    job = hive.submit("demo.sleep", [0.01] * 600, retries=0)["id"]
    until(lambda: hive.job(job)["progress"]["succeeded"] > 50, what="work in full flight")

    with Redis.from_url(colony.stack.ready["redis_url"]) as client:
        client.flushall()

    assert hive.wait(job, 60)["state"] == "succeeded"
    assert {row["attempts"] for row in colony.subtasks(job)} == {1}
