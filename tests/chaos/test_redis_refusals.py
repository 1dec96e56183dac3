"""A Redis that answers, but refuses or loses its answers: rows 12 and 13 of FAULTS.md."""

import contextlib
import subprocess
import time
from collections import Counter
from pathlib import Path

import pytest

from hive_site.kernel.redis import load_script
from jobs.dispatch import LUA
from tests.chaos.cluster import SOON
from tests.chaos.waiting import until
from tests.chaos.work import burned, check, finish, lost, submit

pytestmark = pytest.mark.chaos
REFUSED_SECONDS, LOST_REPLIES = 10.0, 100


@contextlib.contextmanager
def full_memory(cluster):
    cluster.redis.config_set("maxmemory", "1mb")
    yield
    cluster.redis.config_set("maxmemory", "0")


@contextlib.contextmanager
def read_only(cluster):
    """As after a failover that made the wrong server a replica."""
    cluster.redis.replicaof("127.0.0.1", 1)
    yield
    cluster.redis.replicaof("NO", "ONE")


@contextlib.contextmanager
def full_disk(cluster):
    """Its append-only file has no room left to grow."""
    filler = cluster.folder / "redis" / "filler"
    with contextlib.suppress(OSError), filler.open("wb") as file:
        while True:
            file.write(b"\0" * 4096)
            file.flush()
    yield
    filler.unlink()


@pytest.fixture
def small_disk(tmp_path: Path):
    """A disk of 8 MB where Redis will keep its files."""
    place = tmp_path / "redis"
    place.mkdir(mode=0o700)
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(place)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("only root can mount a small disk")
    yield
    subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.mark.parametrize("refusal", [full_memory, read_only, full_disk])
def test_row_12_a_redis_that_refuses_writes_costs_time_only(refusal, small_disk, cluster, figure):
    what = refusal.__name__.replace("_", " ")
    names = ("spore-1", "spore-2")
    cluster.foreman()
    for name in names:
        cluster.spore(name)
    cluster.await_nodes(*names)
    first = submit("chaos.work", [1.0] * 30)
    until(lambda: all(map(cluster.diary.running, names)), within=SOON, what="both work")

    with refusal(cluster):
        until(lambda: is_refusing(cluster), within=SOON, what="Redis refuses")
        second = submit("chaos.work", [0.1] * 4)
        time.sleep(REFUSED_SECONDS)
    over_at, begun = time.monotonic(), len(cluster.diary.began())
    until(lambda: len(cluster.diary.began()) > begun, within=SOON, what="work goes on")
    seconds = cluster.diary.began()[begun].at - over_at
    finish(first, second, within=120)

    figure(12, f"{what}: seconds until work goes on", seconds, "≤ 15 s")
    figure(12, f"{what}: lost", lost(first, second), "= 0")
    figure(12, f"{what}: retries burned", burned(first, second), "= 0")
    check(cluster)


def is_refusing(cluster):
    try:
        cluster.redis.set("chaos:probe", "x", ex=60)
    except Exception as error:
        return type(error).__name__
    return ""


def test_row_13_lost_replies_to_pushes_double_nothing(cluster, figure):
    network = cluster.proxy()
    cluster.foreman(through=network)
    for name in ("spore-1", "spore-2"):
        cluster.spore(name, slots=2)
    cluster.await_nodes("spore-1", "spore-2")
    # Redis knows the script from now on; what is lost are answers to pushes that arrived.
    finish(submit("chaos.work", [0.1]))
    push = load_script(cluster.redis, LUA / "push.lua").sha.encode()

    network.swallow_replies(push, LOST_REPLIES)
    jobs, give_up_at = [], time.monotonic() + 600
    while network.swallowed < LOST_REPLIES and time.monotonic() < give_up_at:
        jobs.append(submit("chaos.work", [0.2] * 20))
        finish(jobs[-1])

    runs = Counter((row.job, row.index, row.attempt) for row in cluster.diary.began())
    figure(13, "replies lost", network.swallowed, "= 100")
    figure(13, "attempts that ran twice", sum(n > 1 for n in runs.values()), "= 0")
    figure(13, "lost", lost(*jobs), "= 0")
    figure(13, "retries burned", burned(*jobs), "= 0")
    check(cluster)
