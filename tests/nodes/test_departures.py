"""Nodes whose names never come back leave no rows behind."""

from datetime import UTC, datetime, timedelta

import pytest

from hive_site.kernel.errors import Deposed
from nodes.departures import AFTER_A_LOSS, AFTER_GOODBYE, SHUT_DOWN, Departures
from nodes.leadership import Leadership
from nodes.models import Lease, Node
from tests.nodes.cast import START, Spore, after

pytestmark = pytest.mark.django_db
A_MOMENT = timedelta(seconds=1)


@pytest.fixture
def departures(redis_client):
    leadership = Leadership(redis_client)
    assert leadership.hold(START)
    return Departures(leadership)


def leave(name, *, ago, reason=SHUT_DOWN, state="lost"):
    Node.objects.create(name=name, state=state, reason=reason, last_seen=START - ago)


def names():
    return set(Node.objects.values_list("name", flat=True))


def test_who_said_goodbye_a_minute_ago_is_forgotten(departures):
    leave("spore--old", ago=AFTER_GOODBYE + A_MOMENT)
    leave("spore--new", ago=AFTER_GOODBYE - A_MOMENT)

    departures.forget(START)

    assert names() == {"spore--new"}


def test_who_was_lost_without_a_word_is_kept_for_an_hour(departures):
    leave("spore--old", ago=AFTER_A_LOSS + A_MOMENT, reason="silent for 45 s")
    leave("spore--new", ago=AFTER_A_LOSS - A_MOMENT, reason="silent for 45 s")

    departures.forget(START)

    assert names() == {"spore--new"}


def test_machines_with_names_of_their_own_stay_until_somebody_deletes_them(departures):
    leave("gpu-1", ago=timedelta(days=300))
    leave("spore--busy", ago=timedelta(days=300), state="online", reason="")

    departures.forget(START)

    assert names() == {"gpu-1", "spore--busy"}


def test_it_looks_now_and_then(departures):
    departures.forget(START)
    leave("spore--old", ago=AFTER_A_LOSS + A_MOMENT)

    departures.forget(after(1))
    early = names()
    departures.forget(after(60))

    assert (early, names()) == ({"spore--old"}, set())


def test_who_leads_no_more_deletes_nothing(departures):
    leave("spore--old", ago=AFTER_A_LOSS + A_MOMENT)
    Lease.objects.update(holder="another", epoch=7)

    with pytest.raises(Deposed):
        departures.forget(START)

    assert names() == {"spore--old"}


def test_a_node_of_a_pool_goes_from_the_list_of_a_leader(foreman, broker):
    now = datetime.now(UTC)  # heartbeats are stamped by Redis
    spore = Spore(broker, "spore--1").listen().beat()
    foreman.tick(now)
    known = names()
    spore.report({"leaving": True})
    foreman.wait(timedelta(0))

    foreman.tick(now + A_MOMENT)
    early = names()
    foreman.tick(now + AFTER_GOODBYE + 2 * A_MOMENT)
    foreman.tick(now + AFTER_GOODBYE + 4 * A_MOMENT)

    assert (known, early, names()) == ({"spore--1"}, {"spore--1"}, set())
