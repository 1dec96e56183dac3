"""What became of each node, kept for people."""

from datetime import timedelta

import pytest
from django.db import OperationalError

from nodes import events
from nodes.domain.states import Intent, NodeState
from nodes.models import Lease, Node, NodeEvent
from tests.nodes.cast import START, Spore, after

pytestmark = pytest.mark.django_db


def told(name: str = "spore-1") -> list[tuple[str, str]]:
    """What became of a node in the order of time."""
    return [(each.what, each.reason) for each in reversed(events.of_node(name))]


def test_a_node_joins_drains_and_works_again(foreman, spore):
    spore.listen().beat()
    foreman.tick(after(0))
    for seconds, intent in ((5, Intent.DRAIN), (11, Intent.WORK)):
        Node.objects.update(intent=intent)
        spore.beat()
        foreman.tick(after(seconds))
        foreman.tick(after(seconds + 1))

    assert told() == [
        ("joined", "release 1.0"),
        ("draining", "its operator asked for it"),
        ("resumed", ""),
    ]
    assert [each.at for each in events.of_node("spore-1", limit=1)] == [after(12)]


def test_a_node_that_says_goodbye_is_lost_with_the_reason(foreman, spore):
    spore.listen().beat()
    foreman.tick(after(0))
    spore.report({"leaving": True})
    foreman.wait(timedelta(milliseconds=1))

    foreman.tick(after(1))

    assert told()[1:] == [("lost", "shut down")]


def test_a_node_that_started_anew_between_two_looks_restarted(foreman, spore, broker):
    spore.listen().beat()
    foreman.tick(after(0))
    Spore(broker, incarnation="two").listen().beat(release="1.1")

    foreman.tick(after(1))

    assert told()[1:] == [("restarted", "it started anew"), ("release", "1.0 → 1.1")]


def test_a_node_that_its_operator_deleted_is_forgotten(foreman, spore):
    spore.beat()
    foreman.tick(after(0))
    Node.objects.all().delete()

    foreman.tick(after(5))
    foreman.tick(after(6))

    assert told()[-1] == ("forgotten", "its operator deleted it")


def test_a_new_leader_tells_nothing_twice(foreman, spore):
    spore.listen().beat()
    foreman.tick(after(0))
    Lease.objects.update(holder="another", epoch=2, expires_at=after(10))
    foreman.tick(after(6))
    spore.beat()

    foreman.tick(after(11))

    assert told() == [("joined", "release 1.0")]


def test_an_outage_loses_nothing(foreman, spore, monkeypatch):
    spore.listen().beat()

    def fail(rows):
        raise OperationalError("the database is away")

    with monkeypatch.context() as broken:
        broken.setattr(NodeEvent.objects, "bulk_create", fail)
        with pytest.raises(OperationalError):
            foreman.tick(after(0))
    foreman.tick(after(1))

    assert told() == [("joined", "release 1.0")]


def test_of_a_restless_node_the_newest_are_kept(foreman, monkeypatch):
    monkeypatch.setattr(events, "KEPT", 5)
    diary, roster = foreman._rounds._diary, foreman._roster
    foreman.tick(after(0))
    seat = roster.add(events.Seat("restless"))
    for second in range(1, 121):
        seat.state = NodeState.SUSPECT if second % 2 else NodeState.ONLINE
        diary.note(roster, after(second))

    assert 5 <= len(told("restless")) <= 5 + events.MORE
    assert NodeEvent.objects.filter(node="restless").first().at == after(120)


def test_a_storm_of_restless_nodes_leaves_no_more_than_it_may(foreman, monkeypatch):
    monkeypatch.setattr(events, "KEPT", 5)
    diary, roster = foreman._rounds._diary, foreman._roster
    foreman.tick(after(0))
    seats = [roster.add(events.Seat(f"restless-{n}")) for n in range(40)]
    for second in range(1, 101):
        for seat in seats:
            seat.state = NodeState.SUSPECT if second % 2 else NodeState.ONLINE
        diary.note(roster, after(second))

    most = max(len(told(seat.name)) for seat in seats)
    assert most <= events.KEPT + events.MORE + 10


def test_what_is_too_old_goes_a_little_at_a_time(foreman, monkeypatch):
    old = START - events.KEPT_FOR - timedelta(days=1)
    NodeEvent.objects.bulk_create(NodeEvent(node="a", at=old, what="lost") for _ in range(150))
    NodeEvent.objects.create(node="a", at=START, what="back")

    counts = []
    for second in (0, 1, 60):
        foreman.tick(after(second))
        counts.append(NodeEvent.objects.count())

    assert counts == [51, 51, 1]
