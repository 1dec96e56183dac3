"""Cancelling work wherever it is: row 27 of FAULTS.md."""

import contextlib
import random
import time

import pytest

from hive_site.kernel.errors import Conflict
from jobs import services
from jobs.models import Subtask
from nodes import wire
from nodes.models import Node
from tests.chaos.cluster import SOON
from tests.chaos.waiting import until
from tests.chaos.work import check, finish, state_of, states, submit

pytestmark = pytest.mark.chaos


@pytest.fixture
def one(cluster):
    """A Foreman and a Spore of two slots."""
    cluster.foreman()
    cluster.spore("spore-1", slots=2)
    cluster.await_nodes("spore-1")
    return cluster


def seconds_to_cancel(job):
    """How long it takes until the job has ended as cancelled."""
    begun = time.monotonic()
    services.cancel_job(job_id=job)
    finish(job)
    assert state_of(job) == "cancelled"
    return time.monotonic() - begun


def waiting(cluster):
    """No node has a label like that."""
    return submit("chaos.work", [60.0], requires={"labels": {"site": "nowhere"}})


def queued(cluster):
    """Its node is frozen, so that nobody pops it."""
    # Nothing is sent to a node before it has said which tasks it has.
    finish(submit("demo.echo", [1]))
    cluster.freeze("spore-1")
    cluster.await_no_pops("spore-1")
    job = submit("chaos.work", [60.0])
    queue = wire.queue_key("spore-1")
    until(lambda: cluster.redis.llen(queue), within=SOON, what="it is queued")
    return job


def running(cluster):
    """It sleeps."""
    job = submit("chaos.work", [60.0])
    until(lambda: cluster.diary.began(job=job), within=SOON, what="it begins")
    return job


def running_deaf(cluster):
    """It swallows what it is told."""
    job = submit("chaos.deaf", ["in Python"])
    until(lambda: cluster.diary.began(job=job), within=SOON, what="it begins")
    return job


def retrying(cluster):
    """It failed, and its time has not come."""
    job = submit("demo.fail", ["x"])
    again = Subtask.objects.filter(job=job, state="retrying")
    until(again.exists, within=SOON, what="it is to be tried again")
    return job


def on_a_dead_node(cluster):
    """Nobody has noticed yet that its node died."""
    cluster.await_trust()
    job = running(cluster)
    cluster.kill("spore-1")
    return job


@pytest.mark.quick
@pytest.mark.parametrize(
    "place", [waiting, queued, running, running_deaf, retrying, on_a_dead_node]
)
def test_row_27_cancelled_work_stops_wherever_it_is(place, one, figure):
    slots = set(one.slots("spore-1"))
    job = place(one)

    seconds = seconds_to_cancel(job)

    where = place.__name__.replace("_", " ")
    figure(27, f"seconds to stop, {where}", seconds, "≤ 3 s")
    assert states(job) == {"cancelled": 1}
    if place is queued:
        one.thaw("spore-1")
    if place is not on_a_dead_node:
        killed = len(slots - set(one.slots("spore-1"))) - (place is running_deaf)
        figure(27, f"workers killed by mistake, {where}", killed, "= 0")
    check(one)


@pytest.mark.quick
def test_row_27_work_that_is_cancelled_at_any_moment_has_one_end(one, figure):
    """Popped, starting, finishing: too short to aim at, so at random moments."""
    slots, chance, cancelled, both = set(one.slots("spore-1")), random.Random(27), 0, 0
    jobs = []

    for _ in range(60):
        job = submit("chaos.work", [0.01])
        jobs.append(job)
        time.sleep(chance.uniform(0, 0.03))
        with contextlib.suppress(Conflict):  # it has ended already
            services.cancel_job(job_id=job)
    finish(*jobs)

    for job in jobs:
        [(state, result)] = Subtask.objects.filter(job=job).values_list("state", "result")
        cancelled += state == "cancelled"
        both += state == "cancelled" and result is not None
        assert state in ("cancelled", "succeeded")
        assert state_of(job) == state
    figure(27, "cancelled of 60 at random moments", cancelled, "> 0")
    figure(27, "cancelled and succeeded both", both, "= 0")
    figure(27, "workers killed, at random moments", len(slots - set(one.slots("spore-1"))), "= 0")
    assert Node.objects.get().losses == []
    check(one)
