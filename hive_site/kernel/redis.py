"""How every part of the Hive reaches Redis."""

import re
from functools import cache
from pathlib import Path

from redis import Redis
from redis.backoff import ExponentialBackoff, NoBackoff
from redis.commands.core import Script
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry

__all__ = ["AWAY", "RedisError", "connect", "key", "load_script", "safe_url"]

#: What "Redis is away" looks like.
AWAY = (RedisConnectionError, RedisTimeoutError, OSError)
#: The longest block of a read must stay below this, or the socket gives up first.
BLOCKING_SOCKET_SECONDS = 30
SOCKET_SECONDS, HURRIED_SOCKET_SECONDS = 5, 2


def connect(
    url: str,
    *,
    name: str = "hive",
    blocking: bool = False,
    patient: bool = False,
    hurried: bool = False,
) -> Redis:
    """A client for `url`.

    By default nothing is re-sent: redis-py repeats a whole MULTI/EXEC whose reply was lost.
    `patient` clients re-send and so may only be used for what is safe to do twice.
    `blocking` clients wait on the server for up to 25 s.
    `hurried` clients give up early: whoever uses them has deadlines to keep meanwhile.
    """
    seconds = HURRIED_SOCKET_SECONDS if hurried else SOCKET_SECONDS
    retry = Retry(ExponentialBackoff(cap=1, base=0.05), 3) if patient else Retry(NoBackoff(), 0)
    return Redis.from_url(
        url,
        client_name=name,
        socket_timeout=BLOCKING_SOCKET_SECONDS if blocking else seconds,
        socket_connect_timeout=min(seconds, 3),
        socket_keepalive=True,
        health_check_interval=0,
        retry=retry,
    )


def key(*parts: object) -> str:
    """The one place where key names of the Hive are put together."""
    return ":".join(["hive", *map(str, parts)])


@cache
def _source(path: Path) -> str:
    return path.read_text()


def load_script(client: Redis, path: Path) -> Script:
    """The Lua verb in `path`, ready to be called with keys and arguments."""
    return client.register_script(_source(path))


def safe_url(url: str) -> str:
    """The URL without its password, fit for messages and logs."""
    # Up to the last @: a password may hold others. Redis also takes it as a parameter.
    without = re.sub(r"//[^/?#]*@", "//***@", url)
    return re.sub(r"([?&]password=)[^&#]*", r"\1***", without)
