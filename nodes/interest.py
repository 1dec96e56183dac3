"""Whether somebody looks at what single nodes do. If nobody does, the Foreman does not draw it."""

import time

from redis import Redis

from hive_site.kernel.redis import RedisError
from nodes import wire

#: How long a look counts, and how often a process says that it looks.
TTL_SECONDS, EVERY_SECONDS = 10, 3.0

#: When this process says so again, on the monotonic clock.
_next_at = 0.0


def show(client: Redis) -> None:
    """Say that somebody looks; what they look for is in the picture two seconds later."""
    global _next_at
    if time.monotonic() < _next_at:
        return
    _next_at = time.monotonic() + EVERY_SECONDS
    try:
        client.set(wire.VIEWERS, "1", ex=TTL_SECONDS)
    except (RedisError, OSError):
        _next_at = 0.0


def is_shown(client: Redis) -> bool:
    """Whether somebody looked in the last ten seconds."""
    return bool(client.exists(wire.VIEWERS))
