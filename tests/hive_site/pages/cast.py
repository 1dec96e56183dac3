"""Who plays in tests of pages: a Foreman's picture in Redis, and a page without its markup."""

import json
import re
import time
from html import unescape

from hive_site.kernel.redis import RedisError
from nodes import wire
from tests.hive_site.live.cast import draw

QUEUE = {
    "depth": 3,
    "oldest_wait": 4.2,
    "paused": False,
    "in": 1.0,
    "out": 2.0,
    "ages": [1, 2, 0, 0],
}

#: A queue in which nothing waits.
IDLE = {
    **{"depth": 0, "oldest_wait": None, "paused": False},
    **{"in": 0.0, "out": 0.0, "ages": [0, 0, 0, 0]},
}


def show_picture(redis, *nodes, age=0.0, **also):
    """The Foreman's newest picture, of these nodes."""
    facts = draw(nodes=list(nodes), at=time.time() - age, queues={"background": QUEUE}, **also)
    redis.set(wire.SNAPSHOT, json.dumps(facts))


def tell_queues(redis, *, age=0.0, **queues):
    """The Foreman's newest picture, of these queues; the others are idle."""
    names = ("high_priority", "background")
    drawn = {name: {**IDLE, **queues.get(name, {})} for name in names}
    redis.set(wire.SNAPSHOT, json.dumps(draw(at=time.time() - age, queues=drawn)))


def take_redis_away(redis, monkeypatch):
    """From now on nothing is read from Redis."""

    def refuse(*args, **kwargs):
        raise RedisError("Connection refused")

    for verb in ("get", "set", "lrange", "mget", "pipeline"):
        monkeypatch.setattr(redis, verb, refuse)


def markup_of(answer):
    """All of a page as it is sent."""
    return answer.content.decode()


def text_of(answer):
    """What a page says, in one line."""
    page = re.sub(r"<template.*?</template>", " ", answer.content.decode(), flags=re.S)
    main = page[page.index('<main id="main">') : page.index("</main>")]
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", main)).split())
