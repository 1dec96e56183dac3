"""Redis goes away, or forgets: rows 11, 12 and 13 of FAULTS.md."""

import time

import pytest

from tests.chaos.cluster import SOON
from tests.chaos.waiting import until
from tests.chaos.work import burned, check, finish, lost, submit

pytestmark = pytest.mark.chaos
ITEMS, SECONDS = 14, 3.0


@pytest.fixture
def busy(cluster):
    """A Foreman and two Spores of one slot, both of which work; with the job they work on."""
    cluster.foreman()
    names = ("spore-1", "spore-2")
    for name in names:
        cluster.spore(name)
    cluster.await_nodes(*names)
    cluster.job = submit("chaos.work", [SECONDS] * ITEMS)
    until(lambda: all(map(cluster.diary.running, names)), within=SOON, what="both work")
    return cluster


def flush(cluster):
    cluster.redis.flushall()


def restart_empty(cluster):
    cluster.kill("redis")
    cluster.start_redis(empty=True)


def freeze(cluster):
    cluster.freeze("redis")
    time.sleep(30)
    cluster.thaw("redis")


def stop(cluster):
    cluster.kill("redis")
    time.sleep(60)
    cluster.start_redis()


@pytest.mark.parametrize(
    "outage",
    [
        pytest.param(flush, marks=pytest.mark.quick),
        pytest.param(restart_empty, marks=pytest.mark.quick),
        freeze,
        stop,
    ],
)
def test_row_11_nothing_is_lost_with_redis(busy, outage, figure):
    what = outage.__name__.replace("_", " ")
    outage(busy)
    back_at, begun = time.monotonic(), len(busy.diary.began())

    until(lambda: len(busy.diary.began()) > begun, within=SOON, what="more work is sent")
    seconds = busy.diary.began()[begun].at - back_at
    finish(busy.job)

    figure(11, f"{what}: seconds until work is sent again", seconds, "≤ 15 s")
    figure(11, f"{what}: lost", lost(busy.job), "= 0")
    figure(11, f"{what}: retries burned", burned(busy.job), "= 0")
    again = sum(count - 1 for count in busy.diary.times_run(busy.job).values())
    figure(11, f"{what}: items that ran again", again, "= 0")
    check(busy)
