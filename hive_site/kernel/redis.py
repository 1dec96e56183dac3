"""How every part of the Hive reaches Redis."""

import re
import time
from collections.abc import Iterator, Sequence
from functools import cache
from math import inf
from pathlib import Path
from typing import Any

from redis import Redis
from redis.asyncio import Redis as AsyncRedis
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import ExponentialBackoff, NoBackoff
from redis.commands.core import Script
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry
from redis.typing import EncodableT

from hive_site.kernel.sentinel import is_watched, read_watched

__all__ = [
    "AWAY",
    "Direct",
    "RedisError",
    "connect",
    "connect_async",
    "key",
    "load_script",
    "pairs",
    "rq_settings",
    "safe_url",
]

#: What "Redis is away" looks like.
AWAY = (RedisConnectionError, RedisTimeoutError, OSError)
#: The longest block of a read must stay below this, or the socket gives up first.
BLOCKING_SOCKET_SECONDS = 30
SOCKET_SECONDS, HURRIED_SOCKET_SECONDS = 5, 2
#: A connection over which nothing was asked for so long may have been cut meanwhile.
REST_SECONDS = 0.1


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
    options: dict[str, Any] = {
        "client_name": name,
        "socket_timeout": BLOCKING_SOCKET_SECONDS if blocking else seconds,
        "socket_connect_timeout": min(seconds, 3),
        "socket_keepalive": True,
        "health_check_interval": 0,
        "retry": retry,
    }
    if is_watched(url):
        return read_watched(url).connect(**options)
    return Redis.from_url(url, **options)


def connect_async(url: str, *, name: str = "hive") -> AsyncRedis:
    """A client for one event loop. Nothing is re-sent, and it gives up early."""
    options: dict[str, Any] = {
        "client_name": name,
        "socket_timeout": HURRIED_SOCKET_SECONDS,
        "socket_connect_timeout": HURRIED_SOCKET_SECONDS,
        "socket_keepalive": True,
        "health_check_interval": 0,
        "retry": AsyncRetry(NoBackoff(), 0),
    }
    if is_watched(url):
        return read_watched(url).connect_async(**options)
    return AsyncRedis.from_url(url, **options)


def rq_settings(url: str) -> dict[str, Any]:
    """How django-rq is told to connect to `url`."""
    return read_watched(url).rq_settings() if is_watched(url) else {"URL": url}


def key(*parts: object) -> str:
    """The one place where key names of the Hive are put together."""
    return ":".join(["hive", *map(str, parts)])


class Direct:
    """One connection of a client, for whoever asks all the time and one thing after the other.

    A round trip takes a third of the client's time: no pool, a look at the socket only after a
    rest, nothing sent again, and answers as Redis gave them. Not for two threads at once.
    """

    def __init__(self, client: Redis) -> None:
        self._client = client
        self._connection: Any = None  # redis-py has no types for what is used here
        #: On the monotonic clock; infinite while there is nothing to look at.
        self._answered_at = inf

    def ask(self, *commands: Sequence[EncodableT]) -> list[Any]:
        """The answers to these commands, which are sent together; not in a transaction.

        Raises `RedisError` or `OSError` if Redis is away, or the first refusal in the answers.
        """
        connection = self._awake()
        try:
            connection.send_packed_command(connection.pack_commands(commands), check_health=False)
            answers = [_answer(connection) for _ in commands]
        except BaseException:
            # Whatever came between: what is still on its way must not pass for another answer.
            connection.disconnect()
            self._answered_at = inf
            raise
        self._answered_at = time.monotonic()
        for answer in answers:
            if isinstance(answer, ResponseError):
                raise answer
        return answers

    def _awake(self) -> Any:
        """The connection; a new one if Redis closed it while nothing was asked."""
        if self._connection is None:
            self._connection = self._client.connection_pool.get_connection()
        elif time.monotonic() - self._answered_at >= REST_SECONDS and self._has_news():
            self._connection.disconnect()  # it opens anew by itself
        return self._connection

    def _has_news(self) -> bool:
        """Whether there is anything to read, though nothing was asked: mostly its end."""
        try:
            return bool(self._connection.can_read())
        except (RedisError, OSError):
            return True


def _answer(connection: Any) -> Any:
    try:
        return connection.read_response()
    except ResponseError as refusal:
        return refusal


def pairs(answer: Any) -> Iterator[tuple[Any, Any]]:
    """What Redis answers as a map, in either version of its protocol."""
    if isinstance(answer, dict):
        return iter(answer.items())
    flat = iter(answer or ())
    return zip(flat, flat, strict=True)


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
    return re.sub(r"([?&](?:sentinel_)?password=)[^&#]*", r"\1***", without)
