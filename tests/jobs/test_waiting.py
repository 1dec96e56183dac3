"""Waiting for jobs, woken by a message or by a look at the database."""

import json
import threading
import time

import pytest
from django.db import connections

from jobs import waiting
from jobs.models import Job
from jobs.services import submit_job
from jobs.waiting import Bell, wait_for_jobs
from nodes import wire

#: For whatever ought to happen at once: long, so that a slow machine does not fail a test.
PATIENCE = 20


@pytest.fixture
def bell(redis, monkeypatch):
    """A bell of this test's own, which listens on its Redis and falls silent with the test."""
    over, silent = threading.Event(), threading.Event()

    def connect(url, **also):
        if over.is_set():
            silent.set()
            threading.Event().wait()  # a listener has no end of its own
        return redis

    monkeypatch.setattr(waiting, "connect", connect)
    monkeypatch.setattr(waiting, "AWAY_SECONDS", 0.01)
    made = Bell()
    monkeypatch.setattr(waiting, "bell", made)
    yield made
    over.set()
    redis.connection_pool.connection_kwargs["server"].connected = True
    while made._thread and made._thread.is_alive() and not silent.wait(0.01):
        redis.publish(wire.CHANGED, b"no JSON")


@pytest.fixture
def silence(monkeypatch):
    """Nobody looks into the database again unless the bell rings."""
    monkeypatch.setattr(waiting, "ASK_AGAIN_SECONDS", PATIENCE * 10)


def until(condition):
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.005)


def listening(redis):
    return redis.pubsub_numsub(wire.CHANGED)[0][1] > 0


def tell(redis, *ended):
    redis.publish(wire.CHANGED, json.dumps({"jobs": list(ended), "ended": list(ended)}))


class Waiter(threading.Thread):
    """Waits for jobs beside the test."""

    def __init__(self, *jobs, timeout=PATIENCE * 10):
        super().__init__(daemon=True)
        self.jobs, self.timeout, self.answer = [job.pk for job in jobs], timeout, None
        self.start()

    def run(self):
        try:
            self.answer = wait_for_jobs(self.jobs, timeout=self.timeout)
        finally:
            connections.close_all()

    def join_or_fail(self):
        self.join(PATIENCE)
        assert not self.is_alive()
        return self.answer


@pytest.mark.django_db
def test_what_has_ended_is_not_waited_for(bell, silence):
    job = submit_job(task="demo.echo", items=[])

    assert wait_for_jobs([job.pk], timeout=PATIENCE)


@pytest.mark.django_db
def test_a_timeout_is_no_end(bell):
    job = submit_job(task="demo.echo")

    assert not wait_for_jobs([job.pk], timeout=0)
    assert not wait_for_jobs([job.pk], timeout=0.02)


@pytest.mark.django_db(transaction=True)
def test_a_message_wakes_whoever_waits(bell, redis, silence):
    job = submit_job(task="demo.echo")
    waiter = Waiter(job)
    until(lambda: listening(redis) and bell._waiting)
    Job.objects.update(state="succeeded")

    tell(redis, job.pk)

    assert waiter.join_or_fail() is True


@pytest.mark.django_db(transaction=True)
def test_all_of_several_jobs_are_waited_for(bell, redis, silence):
    first, second = submit_job(task="demo.echo"), submit_job(task="demo.echo")
    waiter = Waiter(first, second)
    until(lambda: listening(redis) and bell._waiting)
    Job.objects.filter(pk=first.pk).update(state="succeeded")
    tell(redis, first.pk)
    until(lambda: bell.count([first.pk]) == 1)
    assert waiter.is_alive()

    Job.objects.filter(pk=second.pk).update(state="failed")
    tell(redis, second.pk)

    assert waiter.join_or_fail() is True


@pytest.mark.django_db(transaction=True)
def test_without_redis_the_database_is_asked_again(bell, redis, monkeypatch):
    monkeypatch.setattr(waiting, "ASK_AGAIN_SECONDS", 0.01)
    redis.connection_pool.connection_kwargs["server"].connected = False
    job = submit_job(task="demo.echo")
    waiter = Waiter(job)
    until(lambda: bell._waiting)

    Job.objects.update(state="succeeded")

    assert waiter.join_or_fail() is True


@pytest.mark.django_db(transaction=True)
def test_the_bell_listens_again_when_redis_is_back(bell, redis, silence):
    server = redis.connection_pool.connection_kwargs["server"]
    server.connected = False
    job = submit_job(task="demo.echo")
    waiter = Waiter(job)
    until(lambda: bell._waiting)
    server.connected = True
    until(lambda: listening(redis))
    Job.objects.update(state="succeeded")

    tell(redis, job.pk)

    assert waiter.join_or_fail() is True


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("noise", [b"no JSON", b"[]", b"5", b'{"jobs": []}', b'{"ended": 5}'])
def test_noise_on_the_channel_makes_nobody_deaf(bell, redis, silence, noise):
    job = submit_job(task="demo.echo")
    waiter = Waiter(job)
    until(lambda: listening(redis) and bell._waiting)
    redis.publish(wire.CHANGED, noise)

    Job.objects.update(state="succeeded")
    until(lambda: tell(redis, job.pk) or not waiter.is_alive())

    assert waiter.answer is True


def test_a_bell_rings_for_those_who_wait_and_remembers_nobody_else():
    bell = Bell()
    bell._thread = threading.current_thread()  # nobody need listen
    bell.enter(["a"])
    bell.enter(["a"])

    bell._ring(["a", "b"])
    bell._ring(["a"])

    assert (bell.count(["a", "b"]), bell.count(["b"])) == (2, 0)
    bell.leave(["a"])
    assert bell.count(["a"]) == 2
    bell.leave(["a"])
    assert (bell.count(["a"]), bell._waiting) == (0, {})


def test_a_ring_between_the_look_and_the_wait_is_not_missed():
    bell = Bell()
    bell._thread = threading.current_thread()
    bell.enter(["a"])
    seen = bell.count(["a"])
    bell._ring(["a"])
    waiter = threading.Thread(
        target=bell.wait, args=(["a"],), kwargs={"seen": seen, "seconds": 999}
    )

    waiter.start()

    waiter.join(PATIENCE)
    assert not waiter.is_alive()


@pytest.mark.django_db(transaction=True)
def test_one_listener_serves_everybody(bell, redis, silence):
    jobs = [submit_job(task="demo.echo") for _ in range(5)]
    waiters = [Waiter(job) for job in jobs]
    until(lambda: listening(redis) and len(bell._waiting) == 5)

    assert redis.pubsub_numsub(wire.CHANGED)[0][1] == 1
    Job.objects.update(state="succeeded")
    tell(redis, *(job.pk for job in jobs))
    assert [waiter.join_or_fail() for waiter in waiters] == [True] * 5


def test_a_follower_is_called_whenever_anything_of_its_job_was_recorded(bell, redis):
    heard = []
    bell.follow("job_1", heard_one := lambda: heard.append(1))
    bell.follow("job_1", lambda: heard.append(2))
    until(lambda: listening(redis))

    redis.publish(wire.CHANGED, json.dumps({"jobs": ["job_1", "job_2"], "ended": []}))
    until(lambda: len(heard) == 2)
    bell.unfollow("job_1", heard_one)
    redis.publish(wire.CHANGED, json.dumps({"jobs": ["job_2"], "ended": ["job_1"]}))
    redis.publish(wire.CHANGED, json.dumps({"jobs": ["job_1"], "ended": []}))
    until(lambda: len(heard) == 3)

    assert sorted(heard) == [1, 2, 2]
