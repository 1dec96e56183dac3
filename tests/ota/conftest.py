import fakeredis
import pytest

from tests.ota.cast import Cluster


@pytest.fixture
def cluster(db: None, redis: fakeredis.FakeRedis) -> Cluster:
    """Five managed nodes that run their own code, and a Foreman's Conductor."""
    return Cluster(redis)
