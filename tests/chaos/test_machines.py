"""Machines that are full, slow, stopped or flapping: rows 7, 15 and 17 of FAULTS.md."""

import os
import shutil
import time
from pathlib import Path

import pytest

from nodes.models import Node
from tests.chaos.cluster import SOON
from tests.chaos.waiting import chaos_seconds, until
from tests.chaos.work import await_state, burned, check, finish, lost, node, submit

pytestmark = pytest.mark.chaos
STOPS, MIB = 200, 2**20


def test_row_07_spores_that_are_stopped_again_and_again_leave_nothing_behind(cluster, figure):
    names = [f"spore-{n}" for n in range(1, 5)]
    cluster.foreman()
    for name in names:
        cluster.spore(name, slots=2)
    cluster.await_nodes(*names)
    jobs, stops, slowest = [], 0, 0.0
    end = time.monotonic() + chaos_seconds()

    while stops < STOPS and time.monotonic() < end:
        jobs.append(submit("chaos.work", [0.05] * 60))
        for name in names:
            until(lambda name=name: is_busy(cluster, name), within=SOON, what=f"{name} works")
            begun = time.monotonic()
            cluster.child(name).ask_to_stop()
            until(lambda name=name: not cluster.child(name).alive, within=SOON, what="it stops")
            slowest = max(slowest, time.monotonic() - begun)
            cluster.again(name)
            stops += 1
    finish(*jobs, within=120)

    figure(7, "times stopped while it worked", stops)
    figure(7, "seconds that the slowest took to stop", slowest, "≤ 15 s")
    figure(7, "lost", lost(*jobs), "= 0")
    figure(7, "retries burned", burned(*jobs), "= 0")
    figure(7, "counted as a loss of the node", Node.objects.exclude(losses=[]).count(), "= 0")
    check(cluster)


def is_busy(cluster, name):
    """Whether a Spore is there and has something in hand; there is always something to do."""
    if not any(map(cluster.diary.running, [name])) and not cluster.redis.llen(f"rq:queue:{name}"):
        submit("chaos.work", [0.05] * 20)
    return cluster.diary.running(name)


def test_row_15_a_spore_whose_disk_is_full_drains_itself(cluster, tmp_path: Path, figure):
    free = shutil.disk_usage(tmp_path).free
    least, filler = free // MIB - 500, tmp_path / "filler"
    cluster.foreman()
    cluster.spore("spore-1", HIVE_LEAST_DISK_MB=str(least))
    cluster.spore("spore-2")
    cluster.await_nodes("spore-1", "spore-2")

    with filler.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, 1000 * MIB)
    seconds = await_state("spore-1", "draining")
    reason = node("spore-1").reason
    before = len(cluster.diary.began(node="spore-1"))
    job = submit("chaos.work", [0.2] * 10)
    finish(job)
    on_it = len(cluster.diary.began(node="spore-1")) - before
    filler.unlink()
    await_state("spore-1", "online")

    assert "disk is full" in reason
    figure(15, "seconds until it drains itself", seconds, "≤ 10 s")
    figure(15, "subtasks that it was given then", on_it, "= 0")
    figure(15, "lost", lost(job), "= 0")
    check(cluster)


def test_row_17_a_slow_node_does_not_hold_up_a_job(cluster, figure):
    """One of three nodes is ten times slower than the others."""
    cluster.foreman()
    for name in ("spore-1", "spore-2", "spore-3"):
        cluster.spore(name)
    cluster.await_nodes("spore-1", "spore-2", "spore-3")
    healthy = seconds_of_a_job()
    cluster.kill("spore-3")
    await_state("spore-3", "lost")
    cluster.spore("spore-3", CHAOS_SLOWNESS="10")
    await_state("spore-3", "online")

    slow = seconds_of_a_job()

    figure(17, "seconds of a job on healthy nodes", healthy)
    figure(17, "times longer with a node that is ten times slower", slow / healthy, "≤ 2.5")
    check(cluster)


def seconds_of_a_job():
    begun = time.monotonic()
    finish(submit("chaos.work", [1.0] * 18), within=120)
    return time.monotonic() - begun


def test_row_17_a_node_that_flaps_rests_and_comes_back(cluster, figure):
    cluster.foreman()
    cluster.spore("spore-1")
    cluster.spore("spore-2")
    cluster.await_nodes("spore-1", "spore-2")
    job = submit("chaos.work", [0.5] * 60)

    for _ in range(3):
        await_state("spore-1", "online")
        cluster.kill("spore-1")
        await_state("spore-1", "lost")
        cluster.again("spore-1")
    await_state("spore-1", "quarantined")
    quarantined_at, began = time.monotonic(), len(cluster.diary.began(node="spore-1"))
    finish(job, within=120)
    on_it = len(cluster.diary.began(node="spore-1")) - began
    await_state("spore-1", "online", within=120)
    seconds = time.monotonic() - quarantined_at

    figure(17, "subtasks given to a flapping node while it rests", on_it, "= 0")
    figure(17, "seconds that it rests the first time", seconds, "≥ 50 s")
    figure(17, "lost with a flapping node", lost(job), "= 0")
    check(cluster)
