"""What the watch meets that no honest, healthy Spore sends."""

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from nodes import wire
from nodes.domain.states import NodeState
from nodes.roster import Seat
from tests.nodes.cast import SAID, Spore


def test_a_node_whose_stream_is_gone_is_judged_by_its_last_heartbeat(watch, roster, seat, broker):
    broker.open().flushall()

    watch.look(roster)

    assert seat.state is NodeState.ONLINE


@pytest.mark.parametrize(
    ("body", "forgery"),
    [
        (SAID, {"by": "spore-2"}),
        (SAID, {"purpose": wire.PURPOSE_REPORT}),
        (SAID, {"version": wire.PROTOCOL + 1}),
        ({"slots": 2}, {}),
        (SAID | {"cpu": 10**400}, {}),
    ],
    ids=["wrong-node", "report", "protocol", "incomplete", "absurd"],
)
def test_a_heartbeat_that_the_node_did_not_send_is_refused(watch, roster, spore, body, forgery):
    spore.seal_beat(body, **forgery)

    assert watch.look(roster).joined == []
    assert list(roster) == []


def test_a_refused_heartbeat_leaves_what_was_known(watch, roster, seat, spore):
    spore.seal_beat({"cpu": 1.0})

    watch.look(roster)

    assert (seat.beat.cpu, seat.state) == (0.25, NodeState.ONLINE)


def test_a_name_that_no_node_can_have_is_not_looked_for(watch, roster, broker, spore):
    broker.open().sadd(wire.NODES, b"\xff", "a:b", "x" * 49)
    spore.beat()

    assert watch.look(roster).joined == ["spore-1"]


def test_a_look_that_fails_halfway_loses_no_news(
    watch, roster, seat, broker, redis_client, monkeypatch
):
    def fail() -> None:
        raise RedisConnectionError("gone")

    Spore(broker, incarnation="two").beat()  # its predecessor's subscription is still open
    Spore(broker, "spore-2").beat()
    roster.add(Seat("spore-3", state=NodeState.ONLINE, seen_ms=seat.seen_ms))  # without sockets
    monkeypatch.setattr(redis_client, "client_list", fail)
    with pytest.raises(RedisConnectionError):
        watch.look(roster)
    monkeypatch.undo()

    sighting = watch.look(roster)

    assert (sighting.joined, sighting.gone) == (["spore-2"], {"spore-1": "started anew"})


def test_a_node_that_was_deleted_leaves_nothing_behind(watch, roster, seat, redis_client):
    redis_client.set(wire.orders_key("spore-1"), "x")
    redis_client.xadd(wire.report_key("spore-1"), {"e": "x"})

    watch.forget("spore-1")

    assert redis_client.keys() == []
