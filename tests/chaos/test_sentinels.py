"""The machine of Redis is gone, and another takes over: Sentinel."""

import os
import time

import pytest

from nodes import inbox
from tests.chaos.cluster import SOON, Cluster
from tests.chaos.waiting import until
from tests.chaos.watched import Watched
from tests.chaos.work import burned, check, finish, lost, submit

pytestmark = pytest.mark.chaos
ITEMS, SECONDS = 60, 0.4


@pytest.fixture
def watched(tmp_path):
    watched = Watched(tmp_path / "watched")
    yield watched
    watched.close()


@pytest.fixture
def cluster(watched, database_url, tmp_path, monkeypatch, settings):
    """A Foreman and two Spores, both of which work; they know Sentinels, and no Redis."""
    import tests.chaos.tasks  # noqa: F401 registers them here as well, once it is needed

    cluster = Cluster(tmp_path, database_url=database_url, env=os.environ, server=watched)
    monkeypatch.setattr(inbox, "_client", cluster.redis)
    monkeypatch.setattr(inbox, "_hurried", cluster.redis)
    settings.REDIS_URL = cluster.url
    names = ("spore-1", "spore-2")
    cluster.foreman()
    for name in names:
        cluster.spore(name)
    cluster.await_nodes(*names)
    cluster.job = submit("chaos.work", [SECONDS] * ITEMS)
    until(lambda: all(map(cluster.diary.running, names)), within=SOON, what="both work")
    yield cluster
    cluster.close()


@pytest.mark.parametrize(
    ("word", "fell", "back"),
    [
        pytest.param("killed", Watched.kill, Watched.revive, marks=pytest.mark.quick),
        pytest.param("frozen", Watched.freeze, Watched.thaw),
    ],
)
def test_row_11_work_goes_on_with_the_redis_that_took_over(
    word, fell, back, cluster, watched, figure
):
    old = watched.master
    fell(watched, old)
    fell_at = time.monotonic()
    until(lambda: watched.master not in {0, old}, within=SOON, what="another master")
    begun = len(cluster.diary.began())
    until(lambda: len(cluster.diary.began()) > begun, within=3 * SOON, what="work goes on")
    seconds = cluster.diary.began()[begun].at - fell_at
    back(watched, old)
    until(lambda: watched.is_replica(old), within=SOON, what="the old one follows")
    finish(cluster.job, within=2 * SOON)

    what = f"Redis {word}, a replica took over"
    figure(11, f"{what}: seconds until work is sent again", seconds)
    figure(11, f"{what}: lost", lost(cluster.job), "= 0")
    figure(11, f"{what}: retries burned", burned(cluster.job), "= 0")
    check(cluster)
