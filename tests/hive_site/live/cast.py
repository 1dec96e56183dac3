"""Who plays in tests of the live socket: pictures by hand, topics that are written."""

import asyncio
import json

from hive_site.kernel.errors import NotFound
from hive_site.live.board import Look, Topic
from nodes.picture import Picture

#: For whatever ought to happen at once: long, so that a slow machine does not fail a test.
PATIENCE = 20
AT = 1_800_000_000.0


def draw(**also):
    """What the Foreman's picture says, of a cluster that is empty but for what is given."""
    facts = {
        "number": 1,
        "at": AT,
        "foreman": {"holder": "here", "epoch": 3},
        "nodes": [],
        "queues": {},
        "throughput": {"succeeded_per_second": 2.04, "failed_per_second": 0.0},
        "active_subtasks": 0,
    }
    return facts | also


def draw_node(name="spore-1", **also):
    """A node in the picture."""
    node = {
        "name": name,
        "state": "online",
        "reason": "",
        "intent": "work",
        "slots": 2,
        "running": 1,
        "cpu": 0.1234,
        "memory": 0.5,
        "score": 0.3,
        "labels": {"site": "lab"},
        "capabilities": ["ffmpeg"],
        "gpus": [],
        "release": "1",
        "agent_version": "2",
        "last_seen": "2027-01-15T08:00:00+00:00",
    }
    return node | also


class Studio:
    """Pictures by hand: `show` has the next one read."""

    def __init__(self):
        self.picture, self.reads, self.closed = Picture(draw()), 0, False
        self._shown = asyncio.Event()

    def show(self, **also):
        self.picture = Picture(draw(**also))
        self._shown.set()

    async def read(self):
        self.reads += 1
        return self.picture

    async def rest(self):
        await self._shown.wait()
        self._shown.clear()

    async def close(self):
        self.closed = True


class Written(Topic):
    """A topic whose rows a test writes; it is looked at when it rings."""

    pace = 0.0

    def __init__(self, subject=""):
        super().__init__(subject)
        self.rows, self.grid, self.cells = {"a": 1}, None, {}
        self.looks, self.gone, self.troubles = 0, False, []
        self.rings = []

    def open(self, ring):
        self.rings.append(ring)

    def close(self):
        self.rings.clear()

    def write(self, **rows):
        self.rows = rows
        for ring in self.rings:
            ring()

    def read(self, picture, now):
        self.looks += 1
        if self.troubles:
            raise self.troubles.pop()
        if self.gone:
            raise NotFound("it is no more")
        grid, self.grid = self.grid, None
        return Look(dict(self.rows), grid, dict(self.cells))


class Library:
    """Topics by name, opened at most once each."""

    def __init__(self):
        self.topics = {}

    def open(self, name):
        if name.startswith("no"):
            raise NotFound(f"there is no topic {name!r}")
        return self.topics.setdefault(name, Written())

    def __getitem__(self, name):
        return self.topics.setdefault(name, Written())


class Page:
    """A viewer's copy of what it watches, as a page in a browser has it."""

    def __init__(self, hub, name="ana"):
        self.hub, self.viewer = hub, hub.enter(name)
        self.texts, self.rows, self.errors, self.wholes = [], {}, {}, []

    def watch(self, *topics, **places):
        self.hub.watch(self.viewer, dict.fromkeys(topics) | places)
        return self

    def take(self):
        """Read all that there is just now."""
        for text in self.hub.texts(self.viewer):
            self.texts.append(text)
            self._learn(json.loads(text))

    def _learn(self, message):
        topic = message.get("topic")
        if topic is None:
            return
        if "error" in message:
            self.errors[topic] = message["detail"]
            return
        rows = {} if message["whole"] else self.rows[topic]
        self.wholes.append(message["whole"])
        self.rows[topic] = {
            key: value
            for key, value in (rows | message["set"]).items()
            if key not in message["gone"]
        }

    async def until(self, holds):
        """Read on until it shows something."""
        async with asyncio.timeout(PATIENCE):
            self.take()
            while not holds(self):
                await self.viewer.rest()
                self.take()
        return self

    async def shows(self, topic, **rows):
        return await self.until(lambda page: page.rows.get(topic) == rows)


async def until(holds):
    async with asyncio.timeout(PATIENCE):
        while not holds():
            await asyncio.sleep(0.002)
