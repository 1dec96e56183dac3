"""What everybody is shown once a second, and what is remembered of it."""

import json
from datetime import timedelta

import pytest
from django.db import OperationalError

from hive_site.kernel.redis import RedisError
from nodes import publisher, wire
from nodes.domain.series import METRICS
from nodes.models import HistoryChunk, Lease, Node
from tests.nodes.cast import after

pytestmark = pytest.mark.django_db


def seconds(client) -> list[dict]:
    return [json.loads(text) for text in client.lrange(wire.SECONDS, 0, -1)]


def cluster(record: dict) -> dict:
    return dict(zip(METRICS["cluster"], record["cluster"], strict=True))


def test_each_second_is_remembered_in_one_small_record(foreman, work, spore, redis_client):
    spore.listen().beat()
    foreman.tick(after(0))
    work.done.succeeded += 30

    foreman.tick(after(2))

    records = seconds(redis_client)
    assert [record["at"] for record in records] == [after(0).timestamp(), after(2).timestamp()]
    assert [cluster(record)["succeeded"] for record in records] == [None, 15.0]
    assert records[0].keys() == {"at", "cluster"}


def test_what_an_operator_wants_is_shown_at_once(foreman, spore, redis_client):
    spore.listen().beat()
    foreman.tick(after(0))
    Node.objects.update(intent="drain")
    redis_client.xadd(wire.INBOX, {"what": "node", "subject": "spore-1"})

    foreman.wait(timedelta(milliseconds=1))
    foreman.tick(after(0.1))

    picture = json.loads(redis_client.get(wire.SNAPSHOT))
    assert [node["state"] for node in picture["nodes"]] == ["draining"]
    assert len(seconds(redis_client)) == 1  # nothing is measured in between


def test_fifteen_minutes_of_seconds_are_kept_and_no_longer(foreman, redis_client, monkeypatch):
    monkeypatch.setattr(publisher, "SECONDS_KEPT", 3)
    for second in range(5):
        foreman.tick(after(second))

    assert [record["at"] for record in seconds(redis_client)] == [
        after(second).timestamp() for second in (2, 3, 4)
    ]
    assert 0 < redis_client.ttl(wire.SECONDS) <= 3


def test_a_new_term_begins_without_what_was_counted_before(foreman, work, redis_client):
    work.done.succeeded = 1000
    foreman.tick(after(0))
    Lease.objects.update(holder="another", epoch=2, expires_at=after(1))
    foreman.tick(after(1.5))
    foreman._leadership.doubt()
    work.done.succeeded = 2000
    foreman.tick(after(2))

    assert [cluster(record)["succeeded"] for record in seconds(redis_client)][-1] is None


def test_what_is_measured_is_written_into_the_database(foreman, spore):
    for second in range(12):
        spore.listen().beat()
        foreman.tick(after(second))

    assert set(HistoryChunk.objects.values_list("scope", flat=True)) == {"cluster", "node/spore-1"}


@pytest.mark.parametrize("broken", ["_archive", "_diary"])
def test_history_that_breaks_keeps_the_leader_from_nothing(foreman, work, broken, monkeypatch):
    foreman.tick(after(0))
    monkeypatch.setattr(foreman._rounds, broken, None)

    foreman.tick(after(1))

    assert work.names().count("dispatch") == 2


def test_how_redis_is_and_what_was_away_is_shown(foreman, spore, redis_client):
    spore.listen().beat()
    foreman.suffer(OperationalError("gone"))
    foreman.suffer(RedisError("gone"))
    foreman.suffer(ConnectionError("reset"))

    foreman.tick(after(0))

    picture = json.loads(redis_client.get(wire.SNAPSHOT))
    assert picture["outages"] == {"database": 1, "redis": 2}
    assert picture["redis"]["answer_seconds"] >= 0
