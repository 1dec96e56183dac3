"""Clusters so large that the Foreman looks around in several steps."""

import json
from datetime import timedelta

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from nodes import wire
from nodes.domain.scoring import Weights
from nodes.domain.states import NodeState
from nodes.foreman import Foreman
from nodes.keyring import Keyring
from nodes.leadership import Leadership
from nodes.mailbox import Mailbox
from nodes.models import Node
from nodes.rounds import MANY, SHORT_STEP, STEP
from tests.nodes.cast import FLEET_KEY, Spore, after

pytestmark = pytest.mark.django_db
STEP_SECONDS = STEP.total_seconds()


class Hall:
    """A Foreman before so many nodes that a step has time for one duty only."""

    def __init__(self, broker, client, work, count: int = MANY + 1) -> None:
        self.ticking, self.pace, self.slept = 0.0, STEP_SECONDS, []
        self.spores = [Spore(broker, f"node-{n:03}").connect() for n in range(count)]
        for spore in self.spores:  # last: on a slow machine the first would be old before the last
            spore.beat()
        self.foreman = Foreman(
            client=client,
            leadership=Leadership(client),
            mailbox=Mailbox(client, keyring=Keyring(FLEET_KEY)),
            workload=work,
            keyring=Keyring(FLEET_KEY),
            weights=Weights(),
            stopwatch=self.look,
            sleep=self.slept.append,
        )

    def look(self) -> float:
        self.ticking += self.pace
        return self.ticking


@pytest.fixture
def hall(broker, redis_client, work) -> Hall:
    return Hall(broker, redis_client, work)


def test_a_new_leader_looks_at_all_of_them_before_it_sends(hall, work):
    hall.foreman.tick(after(0))

    assert len(work.of("dispatch")[0]) == MANY + 1
    assert Node.objects.filter(state="online").count() == MANY + 1


def test_later_it_goes_on_with_its_work_between_the_parts_of_a_round(hall, work, redis_client):
    hall.foreman.tick(after(0))
    work.calls.clear()

    steps = 0
    while "housekeep" not in work.names():
        steps += 1
        rest = hall.foreman.tick(after(1))

    assert work.names().count("dispatch") == steps > 3
    assert rest == timedelta(milliseconds=1)
    assert json.loads(redis_client.get(wire.SNAPSHOT))["number"] == 1
    hall.foreman.tick(after(1))
    hall.foreman.tick(after(1))
    assert json.loads(redis_client.get(wire.SNAPSHOT))["number"] == 2


@pytest.mark.parametrize("flying", [0, 1])
def test_a_round_of_few_nodes_is_cut_into_steps_only_while_anything_runs(
    broker, redis_client, work, flying
):
    hall = Hall(broker, redis_client, work, count=1)
    hall.foreman.tick(after(0))
    hall.pace, work.flying = 2 * SHORT_STEP.total_seconds(), flying
    work.calls.clear()

    ticks = 0
    while "housekeep" not in work.names():
        ticks += 1
        hall.foreman.tick(after(1))

    assert (ticks > 1) is bool(flying)


def test_rounds_begin_a_second_after_each_other_however_many_steps_they_take(hall, work):
    hall.foreman.tick(after(0))
    work.calls.clear()

    for step in range(150):
        hall.foreman.tick(after(1 + step / 50))

    assert work.names().count("housekeep") == 3


def test_an_outage_in_the_midst_of_a_round_makes_nobody_suspect(hall, redis_client, monkeypatch):
    hall.foreman.tick(after(0))
    hall.foreman.tick(after(1))  # it has heard the first of them, and trusts its eyes

    def fail(*args: object, **options: object) -> None:
        raise RedisConnectionError("gone")

    with monkeypatch.context() as away:
        away.setattr(hall.foreman._mailbox._direct, "ask", fail)
        with pytest.raises(RedisConnectionError):
            hall.foreman.wait(timedelta(milliseconds=1))
    hall.spores[-1].beat(ago=20)  # its newest: it has not reached Redis again yet
    for step in range(50):
        hall.foreman.tick(after(1.1 + step / 50))

    assert {seat.state for seat in hall.foreman._roster} == {NodeState.ONLINE}


def test_who_was_paused_with_redis_in_the_midst_of_a_round_believes_nothing_of_it(hall):
    hall.pace = 0.0
    for second in range(8):
        hall.foreman.tick(after(second))
    hall.pace = 2 * STEP_SECONDS
    hall.foreman.tick(after(9))  # it has heard all but the last of them, and trusts its eyes
    hall.spores[-1].beat(ago=60)  # their machine was suspended: nobody could say anything
    for step in range(50):
        hall.foreman.tick(after(69 + step / 50))

    assert {seat.state for seat in hall.foreman._roster} == {NodeState.ONLINE}


def test_orders_that_were_overtaken_by_a_newer_wish_are_not_sent_any_more(hall, redis_client):
    hall.foreman.tick(after(0))
    hall.pace, (first, *_, last) = 2 * STEP_SECONDS, [wire.orders_key(s.name) for s in hall.spores]
    redis_client.delete(first)
    while not redis_client.exists(first):
        hall.foreman.tick(after(6))  # until those of the first of them were sent again
    Node.objects.update(wanted_slots=7)
    redis_client.xadd(wire.INBOX, {"what": "node", "subject": ""})
    hall.foreman.wait(timedelta(milliseconds=1))

    for _ in range(20):
        hall.foreman.tick(after(6))

    assert b'"slots": 7' in redis_client.get(last)


def test_among_many_nodes_mail_is_let_gather(hall):
    hall.foreman.tick(after(0))
    hall.pace = 0.0
    hall.foreman.wait(timedelta(milliseconds=1))
    hall.spores[0].report({"n": 1})

    hall.foreman.wait(timedelta(seconds=1))

    assert hall.slept == [pytest.approx(0.00005 * (MANY + 1))]


@pytest.mark.parametrize("lost", [0, 1000])
def test_among_few_nodes_nobody_waits_for_more_mail(work, foreman, spore, lost):
    Node.objects.bulk_create(Node(name=f"gone-{n}", state="lost") for n in range(lost))
    spore.listen().beat()
    foreman.tick(after(0))
    foreman._sleep = lambda seconds: pytest.fail("it slept")

    for number in range(3):
        spore.report({"n": number})
        foreman.wait(timedelta(seconds=1))
        foreman.tick(after(number / 10))
