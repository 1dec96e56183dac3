"""What runs on the fake must run on a real server: fixtures that give a test both."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from threading import Event
from typing import Any

import fakeredis
import pytest
from redis import Redis

from hive_site.kernel.errors import HiveError
from hive_site.kernel.redis import connect
from hive_site.stack.processes import stop_all
from hive_site.stack.redis_server import RedisServer, find_server

#: An address that tests of the fake may put into messages; nobody listens there.
NOWHERE = "redis://127.0.0.1:1/0"


@dataclass(frozen=True)
class Broker:
    """A Redis with an empty memory. `open` gives clients like `hive_site.kernel.redis.connect`."""

    url: str
    open: Callable[..., Redis]
    real: bool

    def connect(self, url: str, **options: Any) -> Redis:
        """Stands in for `connect` in modules that open clients of their own."""
        return self.open(**options)


@pytest.fixture(scope="session")
def real_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real server that lives as long as the run."""
    try:
        find_server()
    except HiveError as error:
        pytest.skip(str(error))
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    child = server.start(stop=Event())
    yield server.url
    stop_all([child], patience=10)


@pytest.fixture
def real_broker(real_redis: str) -> Iterator[Broker]:
    """A real server."""
    opened: list[Redis] = []

    def open_client(**options: Any) -> Redis:
        opened.append(connect(real_redis, **options))
        return opened[-1]

    open_client().flushall()
    yield Broker(real_redis, open_client, real=True)
    for client in opened:
        client.connection_pool.disconnect()


@pytest.fixture
def fake_broker() -> Broker:
    """The fake, in this process."""
    server = fakeredis.FakeServer()

    def open_client(*, name: str = "hive", **options: Any) -> Redis:
        return fakeredis.FakeRedis(server=server, client_name=name)

    return Broker(NOWHERE, open_client, real=False)


@pytest.fixture(params=["fake", pytest.param("real", marks=pytest.mark.processes)])
def broker(request: pytest.FixtureRequest) -> Broker:
    """First the fake, then a real server."""
    found: Broker = request.getfixturevalue(f"{request.param}_broker")
    return found
