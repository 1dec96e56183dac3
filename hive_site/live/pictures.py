"""The Foreman's pictures as they are announced: one read of each for everybody who watches."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

import structlog
from redis.asyncio import Redis

from hive_site.kernel.redis import RedisError
from nodes import interest, wire
from nodes.picture import Picture, develop

log = structlog.get_logger()
#: The next picture is looked for after so long, announced or not.
LOOK_AGAIN_SECONDS = 1.0
#: Where announcements arrive, so much later: they come when they come.
ANNOUNCED_SECONDS = 1.5
#: Between two reads, however many are announced.
PAUSE_SECONDS = 0.2
AWAY_SECONDS, LONGEST_AWAY_SECONDS = 1.0, 15.0
LISTEN_SECONDS = 30.0


class Pictures:
    """The newest picture, for one event loop."""

    def __init__(self, connect: Callable[[], Redis], last: Picture) -> None:
        """`last` is the one that was read before, if any."""
        self._client = connect()
        self._announced = asyncio.Event()
        self._last = last
        self._wait_seconds = LOOK_AGAIN_SECONDS
        self._ear = asyncio.create_task(self._listen())

    async def close(self) -> None:
        """Let go of Redis."""
        self._ear.cancel()
        with suppress(asyncio.CancelledError):
            await self._ear
        await self._client.aclose()

    async def rest(self) -> None:
        """Return when a new picture is announced, or when it is time to look anyway."""
        await asyncio.sleep(PAUSE_SECONDS)
        try:
            await asyncio.wait_for(self._announced.wait(), self._wait_seconds - PAUSE_SECONDS)
            self._wait_seconds = ANNOUNCED_SECONDS
        except TimeoutError:
            self._wait_seconds = LOOK_AGAIN_SECONDS
        self._announced.clear()

    async def read(self) -> Picture:
        """The newest picture; the one before if Redis is away. Says there that somebody looks."""
        pipe = self._client.pipeline(transaction=False)
        pipe.get(wire.SNAPSHOT)
        interest.show(pipe)
        try:
            # A Redis that takes no writes just now can be read all the same.
            text, *_ = await pipe.execute(raise_on_error=False)
            if isinstance(text, Exception):
                raise text
            self._last = develop(text)
        except (RedisError, OSError, ValueError) as error:
            if not self._last.away:
                log.warning("live.redis_away", error=str(error))
            self._last = Picture(self._last.facts, away=str(error) or type(error).__name__)
        return self._last

    async def _listen(self) -> None:
        pause = AWAY_SECONDS
        while True:
            # Whoever reads tells of outages.
            with suppress(RedisError, OSError):
                async with self._client.pubsub(ignore_subscribe_messages=True) as ear:
                    await ear.subscribe(wire.TICK)
                    pause = AWAY_SECONDS
                    self._announced.set()  # or whatever came before is missed
                    while True:
                        if await ear.get_message(timeout=LISTEN_SECONDS):
                            self._announced.set()
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_AWAY_SECONDS)
