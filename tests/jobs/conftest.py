from collections.abc import Iterator

import fakeredis
import pytest

from jobs.invariants import check_database
from tests.jobs.stage import Stage


@pytest.fixture
def stage(db: None, redis: fakeredis.FakeRedis) -> Iterator[Stage]:
    """A leader, two nodes of one slot, and at the end a database in which everything holds."""
    yield Stage(redis)
    assert check_database() == []
