"""A Redis that moves: Sentinels know where its master is.

An address names some of them and the group that they watch, as other clients of Redis write it:
redis+sentinel://user:password@host1:26379,host2:26379/mymaster/0, and rediss+sentinel:// for TLS.
User and password are those of Redis; the Sentinels' own are `sentinel_username` and
`sentinel_password` after a `?`, where redis-py's other options may stand as well.
https://redis.io/docs/latest/develop/reference/sentinel-clients/
"""

# redis-py leaves some of this without types.
# mypy: allow-untyped-calls

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from redis import Redis, SSLConnection
from redis.asyncio import Redis as AsyncRedis
from redis.asyncio.retry import Retry as AsyncRetry
from redis.asyncio.sentinel import Sentinel as AsyncSentinel
from redis.asyncio.sentinel import SentinelManagedConnection as AsyncConnection
from redis.asyncio.sentinel import SentinelManagedSSLConnection as AsyncTLSConnection
from redis.backoff import NoBackoff
from redis.connection import parse_url
from redis.retry import Retry
from redis.sentinel import Sentinel, SentinelManagedConnection, SentinelManagedSSLConnection

SCHEMES = {"redis+sentinel": "redis", "rediss+sentinel": "rediss"}
PORT = 26379
#: One that does not answer must not use up the patience of a client that has others to ask.
ASK_SECONDS = 1.0


class Follows(SentinelManagedConnection):
    """Asks the Sentinels whenever it opens. redis-py would go to the old address if a connection
    that somebody holds was lost, and a command is sent over it."""

    def send_packed_command(self, command: Any, check_health: bool = True) -> None:
        """As ever, to whoever is master by now."""
        if not self._sock:
            self.connect()
        super().send_packed_command(command, check_health=check_health)

    def connect_to(self, address: tuple[str, int]) -> None:
        """Open; what else this client holds of another server ends. One that vanished sends no
        end itself, and each connection would wait for its answers as long as it ever does."""
        super().connect_to(address)
        pool = self.connection_pool.connection_pool_ref()
        for other in [] if pool is None else list(pool._in_use_connections):
            if other is not self and other._sock and (other.host, other.port) != address:
                other.disconnect()


class FollowsTLS(Follows, SentinelManagedSSLConnection):
    """The same over TLS."""


class AsyncFollows(AsyncConnection):
    """The same for one event loop."""

    async def send_packed_command(self, command: Any, check_health: bool = True) -> None:
        """As ever, to whoever is master by now."""
        if not self.is_connected:
            await self.connect()
        await super().send_packed_command(command, check_health=check_health)


class AsyncFollowsTLS(AsyncFollows, AsyncTLSConnection):
    """The same over TLS."""


@dataclass(frozen=True)
class Watched:
    """What an address of Sentinels says. `login` opens Redis, `own_login` a Sentinel."""

    hosts: tuple[tuple[str, int], ...]
    group: str
    login: dict[str, Any] = field(repr=False)
    own_login: dict[str, Any] = field(repr=False)

    def connect(self, **options: Any) -> Redis:
        """A client for whoever is master; each new connection asks where that is.

        What the address says of an option goes before `options`, as in other addresses.
        """
        kind = FollowsTLS if "ssl" in self.login else Follows
        sentinel = Sentinel(self.hosts, sentinel_kwargs=self._asking(Retry(NoBackoff(), 0)))
        settings = {**options, **self.login}
        found: Redis = sentinel.master_for(self.group, connection_class=kind, **settings)
        return found

    def connect_async(self, **options: Any) -> AsyncRedis:
        """The same for one event loop."""
        kind = AsyncFollowsTLS if "ssl" in self.login else AsyncFollows
        asking = self._asking(AsyncRetry(NoBackoff(), 0))
        sentinel = AsyncSentinel(self.hosts, sentinel_kwargs=asking)
        settings = {**options, **self.login}
        found: AsyncRedis = sentinel.master_for(self.group, connection_class=kind, **settings)
        return found

    def rq_settings(self) -> dict[str, Any]:
        """How django-rq is told the same. https://github.com/rq/django-rq#installation"""
        return {
            "SENTINELS": list(self.hosts),
            "MASTER_NAME": self.group,
            "DB": self.login.get("db", 0),
            "USERNAME": self.login.get("username"),
            "PASSWORD": self.login.get("password"),
            "CONNECTION_KWARGS": self.login,
            "SENTINEL_KWARGS": self._asking(Retry(NoBackoff(), 0)),
        }

    def _asking(self, retry: Retry | AsyncRetry) -> dict[str, Any]:
        return {
            "socket_timeout": ASK_SECONDS,
            "socket_connect_timeout": ASK_SECONDS,
            "retry": retry,
            **self.own_login,
        }


def is_watched(url: str) -> bool:
    """Whether an address is one of Sentinels."""
    return url.partition("://")[0] in SCHEMES


def read_watched(url: str) -> Watched:
    """What it says. Raises `ValueError`."""
    parts = urlsplit(url)
    user, _, hosts = parts.netloc.rpartition("@")
    group, _, database = parts.path.strip("/").partition("/")
    if not group or not (database or "0").isdecimal():
        raise ValueError("no group, or no number of a database")
    given = dict(parse_qsl(parts.query))
    own = {name: given.pop(f"sentinel_{name}", None) for name in ("username", "password")}
    # redis-py reads what is the same in both: login, database, TLS.
    plain = f"{SCHEMES[parts.scheme]}://{user}@redis/{database}?{urlencode(given)}"
    login = {name: value for name, value in parse_url(plain).items() if name != "host"}
    tls = {name: value for name, value in login.items() if name.startswith("ssl_")}
    if login.pop("connection_class", None) is SSLConnection:
        login["ssl"] = tls["ssl"] = True
    return Watched(
        tuple(_host(host) for host in hosts.split(",")),
        unquote(group),
        login,
        {**tls, **{name: value for name, value in own.items() if value}},
    )


def _host(text: str) -> tuple[str, int]:
    parts = urlsplit(f"//{text}")
    if not parts.hostname or parts.port == 0:
        raise ValueError("a Sentinel without a name, or on port 0")
    return parts.hostname, parts.port or PORT
