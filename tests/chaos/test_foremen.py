"""Foremen that are paused, and more than one of them: rows 9 and 10 of FAULTS.md."""

import time

import pytest

from nodes import wire
from nodes.models import Lease, Node
from tests.chaos.cluster import SOON
from tests.chaos.waiting import always, until
from tests.chaos.work import burned, check, finish, lost, submit

pytestmark = pytest.mark.chaos


def leader(cluster):
    """The process that leads."""
    pid = int(Lease.objects.get().holder.split(":")[1])
    return next(name for name in ("foreman-a", "foreman-b") if cluster.pid(name) == pid)


@pytest.mark.parametrize("moment", [0.0, 0.3, 0.7])
def test_row_09_a_leader_that_was_frozen_writes_nothing_when_it_wakes(cluster, moment, figure):
    cluster.foreman("foreman-a")
    cluster.foreman("foreman-b")
    for name in ("spore-1", "spore-2"):
        cluster.spore(name)
    cluster.await_nodes("spore-1", "spore-2")
    old = leader(cluster)
    epoch = Lease.objects.get().epoch
    job = submit("chaos.work", [0.05] * 2000)
    until(lambda: len(cluster.diary.began()) > 20, within=SOON, what="work goes on")
    time.sleep(moment)

    cluster.freeze(old)
    frozen_at = time.monotonic()
    until(lambda: Lease.objects.get().epoch > epoch, within=SOON, what="the other one leads")
    seconds = time.monotonic() - frozen_at
    until(lambda: time.monotonic() - frozen_at > 20, within=SOON, what="20 s are over")
    cluster.thaw(old)
    always(lambda: is_in_step(cluster, epoch), seconds=5, what="only the new leader writes")
    finish(job, within=120)

    assert leader(cluster) != old
    assert Lease.objects.get().epoch == epoch + 1
    figure(9, f"seconds until the other leads, frozen at {moment} s", seconds, "≤ 20 s")
    figure(9, f"lost, frozen at {moment} s", lost(job), "= 0")
    again = sum(count - 1 for count in cluster.diary.times_run(job).values())
    figure(9, f"items that ran again, frozen at {moment} s", again, "= 0")
    check(cluster)


def is_in_step(cluster, old_epoch):
    """Whether neither Redis nor the picture shows the epoch that is over."""
    shown = int(cluster.redis.get(wire.EPOCH))
    return shown == old_epoch + 1 and cluster.picture()["foreman"]["epoch"] == shown


def test_row_10_a_foreman_that_was_paused_for_60_s_declares_nobody_lost(cluster, figure):
    cluster.foreman()
    names = [f"spore-{n}" for n in range(1, 5)]
    for name in names:
        cluster.spore(name)
    cluster.await_nodes(*names)
    job = submit("chaos.work", [1.0] * 120)
    until(lambda: len(cluster.diary.began()) > 4, within=SOON, what="work goes on")

    cluster.freeze("foreman")
    time.sleep(60)
    cluster.thaw("foreman")
    finish(job, within=120)

    figure(10, "nodes declared lost", Node.objects.exclude(losses=[]).count(), "= 0")
    figure(10, "lost", lost(job), "= 0")
    figure(10, "retries burned", burned(job), "= 0")
    check(cluster)
