"""Slots that were killed leave no names behind."""

from datetime import timedelta

import pytest

from nodes.wire import WORKERS
from nodes.worker_names import AT_ONCE, EVERY, WorkerNames
from tests.nodes.cast import START

LATER = START + EVERY
ALIVE, DEAD = "rq:worker:spore-1.b1.77", "rq:worker:spore-1.b1.78"


@pytest.fixture
def names(redis_client):
    """Looked at once already, a minute ago."""
    names = WorkerNames(redis_client)
    names.tidy(START)
    return names


def register(redis_client, *workers):
    for worker in workers:
        redis_client.sadd(WORKERS, worker)
        redis_client.sadd("rq:workers:spore-1", worker)


def left(redis_client):
    return redis_client.smembers(WORKERS), redis_client.smembers("rq:workers:spore-1")


def test_names_of_the_dead_go_and_those_of_the_living_stay(names, redis_client):
    register(redis_client, ALIVE, DEAD)
    redis_client.hset(ALIVE, "birth", "now")

    names.tidy(LATER)

    assert left(redis_client) == ({ALIVE.encode()}, {ALIVE.encode()})


def test_they_are_looked_at_once_a_minute(names, redis_client):
    register(redis_client, DEAD)

    names.tidy(LATER - timedelta(seconds=1))
    assert redis_client.scard(WORKERS) == 1
    names.tidy(LATER)
    register(redis_client, DEAD)
    names.tidy(LATER + timedelta(seconds=1))

    assert redis_client.scard(WORKERS) == 1


def test_many_are_gone_through_some_at_a_time(names, redis_client):
    register(redis_client, *(f"rq:worker:spore-1.b1.{pid}" for pid in range(3 * AT_ONCE)))

    for second in range(60):
        names.tidy(LATER + timedelta(seconds=second))

    assert left(redis_client) == (set(), set())


def test_what_is_no_name_stops_nobody(names, redis_client):
    register(redis_client, b"\xff", "", "rq:worker:", "rq:worker:made.up.1", DEAD)
    redis_client.set("rq:workers:made", "no list")

    names.tidy(LATER)

    assert redis_client.smembers(WORKERS) == set()
