"""Large jobs and many nodes: rows 20 and 21 of FAULTS.md."""

import statistics
import sys
import time

import psutil
import pytest

from hive_site.configuration import PROJECT
from hive_site.stack.processes import Recipe
from jobs.models import Job
from nodes.models import Node
from tests.chaos.cluster import SOON
from tests.chaos.waiting import always, chaos_seconds, until
from tests.chaos.work import check, finish, lost, results, submit

pytestmark = pytest.mark.chaos
MANY, NODES, MIB = 100_000, 1_000, 2**20


def test_row_20_a_job_of_100_000_subtasks_is_steady(cluster, figure):
    cluster.foreman()
    for name in ("spore-1", "spore-2"):
        cluster.spore(name)
    cluster.await_nodes("spore-1", "spore-2")
    foreman = psutil.Process(cluster.pid("foreman"))

    begun = time.monotonic()
    job = submit("demo.echo", list(range(MANY)))
    lags, most = [], 0
    while not Job.objects.filter(pk=job, finished_at__isnull=False).exists():
        assert time.monotonic() - begun < 1200, "the job ends"
        lags.append(lag_of_a_probe(cluster))
        most = max(most, foreman.memory_info().rss)
    seconds = time.monotonic() - begun

    figure(20, "subtasks a second", MANY / seconds)
    figure(20, "largest RSS of the Foreman, MB", most / MIB, "< 300")
    figure(20, "dispatch lag p99", statistics.quantiles(lags, n=100)[98], "< 2 s")
    figure(20, "lost", lost(job), "= 0")
    assert results(job) == list(range(MANY))
    check(cluster)


def lag_of_a_probe(cluster):
    """Seconds from the submission of another job until its only item begins."""
    submitted = time.monotonic()
    job = submit("chaos.work", [0.0])
    entry = until(lambda: cluster.diary.began(job=job), within=SOON, what="a probe begins")[0]
    time.sleep(0.2)
    return entry.at - submitted


def test_row_21_heartbeats_of_1000_nodes_are_kept_up_with(cluster, figure):
    cluster.foreman()
    cluster.spore("spore-1")
    cluster.await_nodes("spore-1")
    fleet = start_fleet(cluster)
    online = Node.objects.filter(state="online")
    until(lambda: online.count() == NODES + 1, within=SOON, what="all nodes are online")
    foreman, driver = psutil.Process(cluster.pid("foreman")), psutil.Process(fleet.pid)
    job = submit("chaos.work", [0.5] * 20)
    finish(job)

    shares = []
    end = time.monotonic() + chaos_seconds()
    foreman.cpu_percent(), driver.cpu_percent()
    while time.monotonic() < end:
        always(lambda: online.count() == NODES + 1, seconds=10, what="all are online")
        shares.append(foreman.cpu_percent())
    simulation = driver.cpu_percent()
    losses = Node.objects.exclude(losses=[]).count()

    figure(21, "seconds watched", chaos_seconds())
    figure(21, "CPU of the Foreman, % of a core", statistics.mean(shares), "< 60")
    figure(21, "CPU of the simulation, % of a core", simulation)
    figure(21, "false LOST", losses, "= 0")
    figure(21, "lost", lost(job), "= 0")


def start_fleet(cluster):
    """A process that behaves like NODES Spores."""
    key = cluster.folder / "secrets" / "fleet_key"
    argv = [sys.executable, "-m", "tests.chaos.fleet", cluster.url, str(key), str(NODES)]
    return cluster.run(Recipe(name="fleet", argv=argv, env={"PYTHONPATH": str(PROJECT)}))
