"""The two Redises of the contract suite: one in memory, one that is real."""

from collections.abc import Iterator
from threading import Event

import fakeredis
import pytest
from redis import Redis

from hive_site.kernel.redis import connect
from hive_site.stack.processes import stop_all
from hive_site.stack.redis_server import RedisServer


@pytest.fixture(scope="session")
def real_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A redis-server of this run's own."""
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    child = server.start(stop=Event())
    yield server
    stop_all([child], patience=20)


@pytest.fixture(params=["memory", pytest.param("real", marks=pytest.mark.processes)])
def any_redis(request: pytest.FixtureRequest) -> Iterator[Redis]:
    """An empty Redis of either kind."""
    if request.param == "memory":
        yield fakeredis.FakeRedis(server=fakeredis.FakeServer())
        return
    made = connect(request.getfixturevalue("real_server").url, name="hive-tests")
    made.flushall()
    yield made
    made.close()
