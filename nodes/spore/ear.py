"""How an agent hears that it is called: channels of Redis, and whatever else may wake it."""

import os
import select
import time
from collections.abc import Sequence

from redis import ConnectionPool, Redis

from hive_site.kernel.redis import RedisError

#: A message that has begun to come is here after so long, or the connection is broken.
REST_SECONDS = 1.0


class Ear:
    """One agent's; `client` is its own. Raises `RedisError` or `OSError` while Redis is away."""

    def __init__(self, client: Redis, *channels: str) -> None:
        self._ear = client.pubsub(ignore_subscribe_messages=True)
        self._channels = channels

    def listen(self, seconds: float, wakers: Sequence[int] = ()) -> bool:
        """Wait up to `seconds` for a call: True if one came, False at once if one of the
        descriptors `wakers` can be read."""
        try:
            return self._listen(time.monotonic() + seconds, wakers)
        except (RedisError, OSError):
            # It would stay broken: redis-py opens another one, and subscribes, if there is none.
            if self._ear.connection:
                self._ear.connection.disconnect()
            raise

    def _listen(self, end: float, wakers: Sequence[int]) -> bool:
        if not self._ear.subscribed:
            self._ear.subscribe(*self._channels)
        while not (heard := self._take_in()) and (left := end - time.monotonic()) > 0:
            socket = self._ear.connection._get_socket()
            ready, _, _ = select.select([socket, *wakers], [], [], left)
            if socket not in ready:
                break
        return heard

    def close(self) -> None:
        """Hear nothing any more."""
        self._ear.close()

    def disconnect(self) -> None:
        """Let go of the sockets; in a forked child this touches only the child's copies."""
        disconnect(self._ear.connection_pool)

    def _take_in(self) -> bool:
        """Whether anything was called out. Redis also confirms every channel, which is nothing."""
        heard = False
        while self._ear.connection.can_read():
            heard |= self._ear.get_message(timeout=REST_SECONDS) is not None
        return heard


def disconnect(pool: ConnectionPool) -> None:
    """Let go of a pool's sockets, even in a process that was forked since they were opened."""
    # Of a pool that was made before the fork, redis-py only forgets the connections.
    pool.pid = os.getpid()
    pool.disconnect()
