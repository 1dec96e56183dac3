"""Nothing fine-grained is done while nobody looks."""

import json
import time
from contextlib import closing

import fakeredis
import pytest

from nodes import inbox, interest, wire
from nodes import picture as pictures
from nodes.models import Node
from nodes.picture import glimpse
from nodes.selectors import cluster_view, node_views
from tests.nodes.cast import Spore, after

pytestmark = pytest.mark.django_db
AWAY = fakeredis.FakeServer()
AWAY.connected = False
NAMES = ("spore-1", "spore-2", "spore-3")


@pytest.fixture
def running(foreman, broker):
    for name in NAMES:
        Spore(broker, name).listen().beat(metrics={"load": 0.5})
    foreman.tick(after(0))
    return foreman


def picture(client) -> dict:
    return json.loads(client.get(wire.SNAPSHOT))


def test_without_viewers_nobody_asks_what_nodes_do(running, work, redis_client):
    for second in range(1, 10):
        running.tick(after(second))

    assert work.of("work_of") == []
    rows = picture(redis_client)["nodes"]
    assert [row["running"] for row in rows] == [1, 0, 0]
    assert not any("work" in row or "metrics" in row for row in rows)


def test_with_a_viewer_each_node_is_asked_once_a_tick(running, work, redis_client):
    redis_client.set(wire.VIEWERS, "1")

    for second in range(1, 4):
        running.tick(after(second))

    assert work.of("work_of") == list(NAMES) * 3
    rows = picture(redis_client)["nodes"]
    assert rows[0]["work"] == [{"job": "job_1", "index": 0}]
    assert [row["metrics"] for row in rows] == [{"load": 0.5}] * 3


def test_whoever_reads_nodes_shows_interest(db, redis, monkeypatch):
    monkeypatch.setattr("time.time", lambda: 100.0)
    Node.objects.create(name="spore-1")
    redis.set(wire.SNAPSHOT, json.dumps({"at": 100.0, "nodes": []}))

    [view] = node_views()

    assert (view["work"], view["metrics"]) == ([], {})
    assert 0 < redis.ttl(wire.VIEWERS) <= interest.TTL_SECONDS


def test_whoever_reads_figures_does_not(db, redis):
    redis.set(wire.SNAPSHOT, json.dumps({"at": 100.0, "nodes": [], "queues": {}}))

    cluster_view()
    glimpse()

    assert not redis.exists(wire.VIEWERS)


def test_a_process_shows_it_every_three_seconds_at_most(redis, monkeypatch):
    clock = [100.0]
    monkeypatch.setattr(interest.time, "monotonic", lambda: clock[0])
    shown = []
    for clock[0] in (100.0, 101.0, 102.9, 103.0):
        redis.delete(wire.VIEWERS)
        interest.show(redis)
        shown.append(interest.is_shown(redis))

    assert shown == [True, False, False, True]


def test_what_redis_did_not_hear_is_said_again(redis):
    gone = fakeredis.FakeRedis(server=AWAY)
    interest.show(gone)

    interest.show(redis)

    assert interest.is_shown(redis)


def test_each_picture_is_announced_by_its_number(running, redis_client):
    with closing(redis_client.pubsub(ignore_subscribe_messages=True)) as ear:
        ear.subscribe(wire.TICK)
        ear.get_message(timeout=1)
        running.tick(after(1))
        running.tick(after(2))

        heard = [ear.get_message(timeout=1)["data"] for _ in range(2)]

    assert heard == [b"2", b"3"]
    assert picture(redis_client)["number"] == 3


def test_a_redis_that_hangs_from_now_on_spoils_no_look(redis, monkeypatch):
    seen = pictures.Picture({"at": time.time()})

    def look():
        monkeypatch.setattr(inbox, "_hung_until", time.monotonic() + 60)
        return seen

    monkeypatch.setattr(pictures, "look", look)

    assert pictures.look_closely() is seen
