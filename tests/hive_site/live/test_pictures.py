"""Pictures from Redis: one read of each, whoever looks; outages pass."""

import asyncio
import json
from functools import partial

import fakeredis
import pytest

from hive_site.live import pictures as module
from hive_site.live.hub import Hub
from hive_site.live.pictures import Pictures
from hive_site.live.topics import open_topic
from nodes import interest, wire
from nodes.picture import Picture
from tests.hive_site.live.cast import AT, Page, draw, draw_node, until


class Server:
    """A Redis in memory that counts what it is asked."""

    def __init__(self):
        self.server, self.commands = fakeredis.FakeServer(), []
        self.put(draw(nodes=[draw_node()]))

    def put(self, facts, announce=True):
        client = fakeredis.FakeRedis(server=self.server)
        client.set(wire.SNAPSHOT, json.dumps(facts))
        if announce:
            client.publish(wire.TICK, str(facts["number"]))

    def connect(self):
        client = fakeredis.FakeAsyncRedis(server=self.server)
        self._count(client)
        return client

    def _count(self, client):
        pipeline = client.pipeline

        def counted(*args, **kwargs):
            pipe = pipeline(*args, **kwargs)
            execute = pipe.execute

            async def counting(*args, **kwargs):
                self.commands += [args[0] for args, _ in pipe.command_stack]
                return await execute(*args, **kwargs)

            pipe.execute = counting
            return pipe

        client.pipeline = counted


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(interest, "_next_at", 0.0)
    return Server()


def open_hub(server):
    return Hub(
        open_pictures=partial(Pictures, server.connect), open_topic=open_topic, clock=lambda: AT + 1
    )


async def look(server, viewers):
    """The commands of four pictures, with so many viewers."""
    hub = open_hub(server)
    pages = [Page(hub).watch("figures", "nodes", "node:spore-1") for _ in range(viewers)]
    for number in range(2, 6):
        server.put(draw(number=number, nodes=[draw_node(running=number)]))
        for page in pages:
            await page.until(lambda page, n=number: _running(page) == n)
    count = len(server.commands)
    for page in pages:
        hub.leave(page.viewer)
    return count


def _running(page):
    return page.rows.get("nodes", {}).get("spore-1", {}).get("running")


def test_twenty_viewers_ask_redis_what_one_does(server, monkeypatch):
    monkeypatch.setattr(module, "LOOK_AGAIN_SECONDS", 3600)
    monkeypatch.setattr(module, "ANNOUNCED_SECONDS", 3600)
    one = asyncio.run(look(server, 1))
    first = set(server.commands)
    server.commands.clear()

    assert asyncio.run(look(server, 20)) <= one + 1
    assert first == {"GET", "SET"}


def test_redis_is_told_that_somebody_looks(server):
    asyncio.run(look(server, 1))

    assert 0 < fakeredis.FakeRedis(server=server.server).ttl(wire.VIEWERS) <= 10


def test_without_viewers_nothing_is_asked(server):
    async def play():
        hub = open_hub(server)
        page = await Page(hub).watch("nodes").until(lambda page: "nodes" in page.rows)
        hub.leave(page.viewer)
        await until(hub._tasks["look"].done)
        asked = len(server.commands)
        server.put(draw(number=9))
        await asyncio.sleep(0)
        return asked

    assert asyncio.run(play()) == len(server.commands)


def test_an_announced_picture_is_seen_at_once(server, monkeypatch):
    monkeypatch.setattr(module, "LOOK_AGAIN_SECONDS", 3600)
    monkeypatch.setattr(module, "ANNOUNCED_SECONDS", 3600)

    asyncio.run(look(server, 1))


def test_a_picture_that_nobody_announced_is_seen_a_second_later(server):
    async def play():
        page = await Page(open_hub(server)).watch("nodes").until(lambda page: "nodes" in page.rows)
        server.put(draw(number=2, nodes=[draw_node(running=7)]), announce=False)
        await page.until(lambda page: _running(page) == 7)

    asyncio.run(play())


def test_while_redis_is_away_the_last_picture_stays_and_is_not_fresh(server):
    async def play():
        pictures = Pictures(server.connect, Picture())
        before = await pictures.read()
        server.server.connected = False
        away = await pictures.read()
        await pictures.read()
        server.server.connected = True
        back = await pictures.read()
        await pictures.close()
        return before, away, back

    before, away, back = asyncio.run(play())
    assert before.is_fresh(AT + 1)
    assert away.facts == before.facts
    assert not away.is_fresh(AT + 1)
    assert back.is_fresh(AT + 1)


def test_an_announcement_is_heard_again_after_an_outage(server, monkeypatch):
    monkeypatch.setattr(module, "AWAY_SECONDS", 0.01)
    monkeypatch.setattr(module, "LISTEN_SECONDS", 0.01)
    monkeypatch.setattr(module, "LOOK_AGAIN_SECONDS", 3600)

    async def play():
        pictures = Pictures(server.connect, Picture())
        server.server.connected = False
        await pictures.read()
        server.server.connected = True
        resting = asyncio.create_task(pictures.rest())
        async with asyncio.timeout(20):
            while not resting.done():
                server.put(draw())
                await asyncio.sleep(0.01)
        await pictures.close()

    asyncio.run(play())
