"""Whatever happens in whatever order: everything ends, once, and every invariant holds."""

import pytest

from jobs import pages
from jobs.domain.states import JOB_OPEN
from jobs.invariants import check_database, check_redis
from jobs.models import Job
from tests.jobs.world import World


@pytest.mark.parametrize("seed", range(12))
def test_whatever_happens_everything_ends_and_every_invariant_holds(db, redis, seed, monkeypatch):
    monkeypatch.setattr(pages, "PAGE", 4)
    monkeypatch.setattr(pages, "NEXT_PAGE", pages.page_query(4))
    monkeypatch.setattr(pages, "LOW_WATER", 3)
    world = World(redis, seed)

    for _ in range(8):
        world.live(40)
        assert check_database() == []
        world.come_to_rest()

        assert list(Job.objects.filter(state__in=JOB_OPEN)) == []
        assert check_database() + check_redis(redis) == []
        assert all(count == 1 for count in world.began.values())
