from collections.abc import Iterator

import fakeredis
import pytest

from jobs.invariants import check_database
from nodes import inbox
from tests.jobs.stage import Stage


@pytest.fixture
def redis(monkeypatch: pytest.MonkeyPatch) -> fakeredis.FakeRedis:
    """A Redis in memory that can go away; the Nexus uses it instead of its own."""
    client = fakeredis.FakeRedis(server=fakeredis.FakeServer())
    monkeypatch.setattr(inbox, "_client", client)
    return client


@pytest.fixture
def stage(db: None, redis: fakeredis.FakeRedis) -> Iterator[Stage]:
    """A leader, two nodes of one slot, and at the end a database in which everything holds."""
    yield Stage(redis)
    assert check_database() == []
