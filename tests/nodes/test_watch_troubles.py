"""What the watch meets that no honest, healthy Spore sends."""

import pytest

from nodes import wire
from nodes.domain.states import NodeState
from tests.nodes.cast import SAID


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
    assert broker.open().smembers(wire.NODES) == {b"spore-1"}


def test_a_node_that_was_deleted_leaves_nothing_behind(watch, roster, seat, redis_client):
    redis_client.set(wire.orders_key("spore-1"), "x")
    redis_client.xadd(wire.report_key("spore-1"), {"e": "x"})

    watch.forget("spore-1")

    assert redis_client.keys() == []
