from collections.abc import Iterator

import fakeredis
import pytest
from redis import Redis

from jobs.dispatch import Dispatcher
from jobs.invariants import check_database
from nodes import inbox, picture
from tests.jobs.hands import give_hands
from tests.jobs.redis import any_redis, real_server
from tests.jobs.stage import Stage

__all__ = ["any_redis", "real_server"]


@pytest.fixture
def redis(monkeypatch: pytest.MonkeyPatch) -> fakeredis.FakeRedis:
    """A Redis in memory that can go away; the Nexus uses it instead of its own."""
    client = fakeredis.FakeRedis(server=fakeredis.FakeServer())
    monkeypatch.setattr(inbox, "_client", client)
    monkeypatch.setattr(inbox, "_hurried", client)
    monkeypatch.setattr(picture, "_glimpse", (picture.Picture(), 0.0))
    return client


@pytest.fixture
def unchecked_stage(db: None, redis: fakeredis.FakeRedis) -> Stage:
    """A leader and two nodes of one slot."""
    return Stage(redis)


@pytest.fixture
def stage(unchecked_stage: Stage) -> Iterator[Stage]:
    """A leader, two nodes of one slot, and at the end a database in which everything holds."""
    yield unchecked_stage
    assert check_database() == []
    assert unchecked_stage.workload.snapshot(unchecked_stage.now)["side_jobs_broken"] == {}


@pytest.fixture
def hands(any_redis: Redis) -> Dispatcher:
    """A leader's hands on either kind of Redis."""
    return give_hands(any_redis)
