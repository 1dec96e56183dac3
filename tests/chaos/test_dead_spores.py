"""Spores that die: rows 1, 2 and 3 of FAULTS.md."""

import os
import signal
import time

import psutil
import pytest

from tests.chaos.waiting import until
from tests.chaos.work import burned, check, doubly_accepted, finish, lost, submit

pytestmark = [pytest.mark.chaos, pytest.mark.quick]
SPORES = ("spore-1", "spore-2", "spore-3")


@pytest.fixture
def three(cluster):
    """A Foreman and three Spores of one slot."""
    cluster.foreman()
    for name in SPORES:
        cluster.spore(name)
    cluster.await_nodes(*SPORES)
    return cluster


def seconds_until_elsewhere(cluster, victims, *, since):
    """How long it took until every item that ran on the victim began on another node."""
    job = next(iter(victims))[0]
    wanted = {index for _, index in victims}

    def begun():
        rows = [row for row in cluster.diary.began(job=job) if row.at > since]
        return wanted <= {row.index for row in rows if row.index in wanted} and rows

    rows = until(begun, within=30, what="the dead node's work begins elsewhere")
    return max(row.at for row in rows if row.index in wanted) - since


def test_row_01_the_work_of_a_killed_spore_runs_elsewhere(three, figure):
    three.await_trust()
    job = submit("chaos.work", [0.5] * 40)
    victims = until(lambda: three.diary.running("spore-2"), within=30, what="spore-2 works")

    killed_at = time.monotonic()
    three.kill("spore-2")
    victims = three.diary.running("spore-2") or victims
    seconds = seconds_until_elsewhere(three, victims, since=killed_at)
    finish(job)

    figure(1, "seconds until its work runs elsewhere", seconds, "≤ 10 s")
    figure(1, "lost", lost(job), "= 0")
    figure(1, "subtasks with two accepted results", doubly_accepted(job), "= 0")
    check(three)


def lives(process: psutil.Process) -> bool:
    """Whether it runs; dead processes of dead parents may wait long for init to reap them."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_row_02_slots_die_with_their_agent(three, figure):
    job = submit("chaos.work", [1.0] * 6)
    until(lambda: three.diary.running("spore-1"), within=30, what="spore-1 works")
    slots = [psutil.Process(pid) for pid in three.slots("spore-1")]

    three.kill_alone("spore-1")
    _, left = psutil.wait_procs(slots, timeout=1.0)
    orphans = [slot for slot in left if lives(slot)]
    finish(job)

    figure(2, "orphans after 1 s", len(orphans), "= 0")
    figure(2, "lost", lost(job), "= 0")
    check(three)


def test_row_03_what_ran_in_a_killed_slot_is_tried_elsewhere(three, figure):
    job = submit("chaos.work", [2.0] * 3)
    (victim,) = until(lambda: three.diary.running("spore-1"), within=30, what="spore-1 works")
    [slot] = three.slots("spore-1")

    killed_at = time.monotonic()
    os.kill(slot, signal.SIGKILL)
    seconds = seconds_until_elsewhere(three, {victim}, since=killed_at)
    finish(job)

    # Its back-off is one second, and its neighbours may keep the other slots busy for two.
    figure(3, "seconds until it is tried again", seconds, "≤ 4 s")
    figure(3, "lost", lost(job), "= 0")
    figure(3, "crashes counted", burned(job), "= 1")
    check(three)
