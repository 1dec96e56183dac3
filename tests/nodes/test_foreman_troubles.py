"""Nodes that go, databases and Redis that are away, leaders that overslept."""

import json
from datetime import timedelta

import pytest
from django.db import OperationalError
from redis.exceptions import ConnectionError as RedisConnectionError

from hive_site.kernel.errors import Deposed
from hive_site.kernel.redis import connect
from nodes import wire
from nodes.foreman import STANDBY_REST
from nodes.models import Lease, Node
from tests.nodes.cast import Spore, after

pytestmark = pytest.mark.django_db
#: A round of heartbeats after its first look, a leader trusts its own eyes.
SURE = 5


@pytest.fixture
def leader(foreman, spore, work):
    """It leads long enough to judge; one node is online."""
    spore.listen().beat()
    for seconds in range(SURE + 1):
        foreman.tick(after(seconds))
    work.calls.clear()
    return foreman


def wait(foreman) -> None:
    foreman.wait(timedelta(milliseconds=1))


def test_what_a_dead_node_still_said_counts_before_the_rest_is_taken_back(leader, work, spore):
    spore.vanish().report({"n": 1})

    leader.tick(after(SURE + 1))
    leader.tick(after(SURE + 2))

    assert [call for call in work.calls if call[0] in ("record", "reclaim")] == [
        ("record", [1]),
        ("reclaim", ("spore-1", "all its processes are gone")),
    ]
    assert Node.objects.get().state == "lost"


def test_the_work_of_a_node_that_started_anew_is_taken_back(leader, work, broker):
    Spore(broker, incarnation="two").listen().beat()

    leader.tick(after(SURE + 1))

    assert work.of("reclaim") == [("spore-1", "started anew")]
    assert work.of("dispatch") == [["spore-1"]]
    assert Node.objects.get().incarnation == "two"


def test_a_node_that_says_goodbye_is_given_up_at_once(leader, work, spore):
    spore.report({"leaving": True})

    wait(leader)
    leader.tick(after(SURE + 0.1))

    node = Node.objects.get()
    assert work.of("reclaim") == [("spore-1", "shut down")]
    assert (node.state, node.reason) == ("lost", "shut down")
    assert work.of("dispatch") == [[]]


def test_the_goodbye_of_an_older_start_is_not_its_successors(leader, work, broker):
    Spore(broker, incarnation="zero").report({"leaving": True})

    wait(leader)
    leader.tick(after(SURE + 0.1))

    assert work.of("reclaim") == []


def test_mail_survives_an_outage_of_the_database(leader, work, spore):
    spore.report({"n": 1})
    wait(leader)
    work.outage["record"] = OperationalError("database is locked")
    for seconds in (0.1, 0.2):
        with pytest.raises(OperationalError):
            leader.tick(after(SURE + seconds))
        wait(leader)
    work.outage.clear()

    leader.tick(after(SURE + 0.3))

    assert work.of("record") == [[1]]


@pytest.mark.parametrize("verb", ["record", "reclaim"])
def test_a_dead_nodes_work_is_taken_back_after_an_outage(leader, work, spore, verb):
    spore.vanish().report({"n": 1})
    work.outage[verb] = OperationalError("database is locked")
    leader.tick(after(SURE + 1))
    with pytest.raises(OperationalError):
        leader.tick(after(SURE + 2))
    work.outage.clear()

    leader.tick(after(SURE + 3))
    leader.tick(after(SURE + 4))

    assert [call for call in work.calls if call[0] in ("record", "reclaim")] == [
        ("record", [1]),
        ("reclaim", ("spore-1", "all its processes are gone")),
    ]
    assert Node.objects.get().state == "lost"


def test_a_goodbye_is_heard_after_an_outage(leader, work, spore):
    spore.report({"leaving": True})
    wait(leader)
    work.outage["reclaim"] = OperationalError("database is locked")
    with pytest.raises(OperationalError):
        leader.tick(after(SURE + 0.1))
    work.outage.clear()

    leader.tick(after(SURE + 1))

    assert work.of("reclaim") == [("spore-1", "shut down")]
    assert Node.objects.get().reason == "shut down"


def test_reports_of_a_node_that_joined_during_an_outage_are_read(leader, work, spore, broker):
    spore.vanish()
    leader.tick(after(SURE + 1))
    other = Spore(broker, "spore-2").listen().beat()
    work.outage["reclaim"] = OperationalError("database is locked")
    with pytest.raises(OperationalError):
        leader.tick(after(SURE + 2))
    work.outage.clear()
    leader.tick(after(SURE + 3))
    other.report({"n": 2})

    wait(leader)
    leader.tick(after(SURE + 3.1))

    assert work.of("record") == [[2]]


def test_a_leader_that_is_deposed_drops_its_mail_and_leads_anew(leader, work, spore):
    spore.report({"n": 1})
    wait(leader)
    work.outage["record"] = Deposed("epoch 1 is over")

    rest = leader.tick(after(SURE + 0.1))

    assert (rest, leader.leads) == (STANDBY_REST, False)
    work.outage.clear()
    leader.tick(after(SURE + 1))
    wait(leader)
    leader.tick(after(SURE + 1.1))
    # Its cursor in the database never moved: the new epoch reads the report again.
    assert (work.of("take_over"), work.of("record")) == ([2], [[1]])


def test_a_leader_whose_epoch_redis_calls_old_steps_back(foreman, work, redis_client):
    redis_client.set("hive:epoch", 9)

    assert foreman.tick(after(0)) == STANDBY_REST
    assert (foreman.leads, work.calls) == (False, [])


def test_a_take_over_that_fails_is_tried_again(foreman, work):
    work.outage["take_over"] = RedisConnectionError("gone")
    with pytest.raises(RedisConnectionError):
        foreman.tick(after(0))
    work.outage.clear()

    foreman.tick(after(1))

    assert work.of("take_over") == [1]


def test_a_leader_that_overslept_calls_nobody_lost_until_a_round_was_read(leader, work, spore):
    spore.beat(ago=90)

    leader.tick(after(SURE + 60))
    leader.tick(after(SURE + 63))
    trusting = Node.objects.get().state
    leader.tick(after(SURE + 65))

    assert trusting == "online"
    ((name, reason),) = work.of("reclaim")
    assert name == "spore-1"
    assert reason.startswith("silent for 9")


def test_nobody_is_lost_because_redis_was_away(leader, work, spore, redis_client, monkeypatch):
    def fail(key: str) -> None:
        raise RedisConnectionError("gone")

    monkeypatch.setattr(redis_client, "smembers", fail)
    for seconds in range(1, 60):
        Lease.objects.update(expires_at=after(999))
        with pytest.raises(RedisConnectionError):
            leader.tick(after(SURE + seconds))
    monkeypatch.undo()
    spore.beat(ago=60)  # its newest: it has not reached Redis again yet

    leader.tick(after(SURE + 60))
    leader.tick(after(SURE + 61))
    spore.beat()
    leader.tick(after(SURE + 65))

    assert work.of("reclaim") == []
    assert Node.objects.get().state == "online"


def test_a_new_leader_reads_a_round_before_it_judges(foreman, work, spore):
    Node.objects.create(name="spore-1", incarnation="one", state="online")
    spore.beat(ago=90)

    foreman.tick(after(0))
    foreman.tick(after(3))
    early = work.of("reclaim")
    foreman.tick(after(5))

    assert early == []
    ((name, reason),) = work.of("reclaim")
    assert name == "spore-1"
    assert reason.startswith("silent for 9")


def test_a_lost_node_stays_lost_for_the_next_leader(foreman, work, spore):
    Node.objects.create(name="spore-1", incarnation="one", state="lost", reason="silent for 45 s")
    spore.listen().beat()

    foreman.tick(after(0))

    assert work.of("dispatch") == [[]]
    assert Node.objects.get().reason == "silent for 45 s"


def test_it_can_tell_that_redis_is_away_before_it_starts(foreman, monkeypatch):
    foreman.check_redis()
    monkeypatch.setattr(foreman, "_client", connect("redis://127.0.0.1:1/0"))

    with pytest.raises(RedisConnectionError):
        foreman.check_redis()


def test_a_clock_that_was_an_hour_ahead_leaves_it_watching(foreman, redis_client):
    foreman.tick(after(3600))

    foreman.tick(after(0))
    rest = foreman.tick(after(1))

    assert json.loads(redis_client.get(wire.SNAPSHOT))["at"] == after(1).timestamp()
    assert rest <= timedelta(seconds=1)
