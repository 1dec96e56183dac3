"""Spores that fall silent, and may come back: rows 4, 5, 6 and 16 of FAULTS.md."""

import time
from pathlib import Path

import psutil
import pytest

from jobs.models import Subtask
from nodes.picture import look
from tests.chaos.cluster import SOON
from tests.chaos.waiting import always, until
from tests.chaos.work import await_state, burned, check, finish, lost, node, states, submit

pytestmark = pytest.mark.chaos


@pytest.fixture
def two(cluster):
    """A Foreman and two Spores of one slot."""
    cluster.foreman()
    for name in ("spore-1", "spore-2"):
        cluster.spore(name)
    cluster.await_nodes("spore-1", "spore-2")
    return cluster


@pytest.fixture
def remote(cluster):
    """A Foreman, and a Spore with two slots behind a network that may fail."""
    cluster.network = cluster.proxy()
    cluster.foreman()
    cluster.spore("spore-1", slots=2, through=cluster.network)
    cluster.await_nodes("spore-1")
    return cluster


def first_entry(cluster, job):
    """Where and when the first item of a job began."""
    return until(lambda: cluster.diary.began(job=job), within=SOON, what="it begins")[0]


def is_ended(process):
    """Whether a process runs no more, even if nobody has buried it yet."""
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_row_04_a_node_without_power_is_suspect_then_lost(remote, figure):
    job = submit("chaos.work", [300.0, 300.0])
    until(lambda: len(remote.diary.running("spore-1")) == 2, within=SOON, what="spore-1 works")
    remote.spore("spore-2", slots=2, CHAOS_SLOWNESS="0")
    remote.await_nodes("spore-2")

    cut_at = time.monotonic()
    remote.network.black_hole()
    remote.kill("spore-1")
    await_state("spore-1", "suspect")
    suspect_at = time.monotonic()
    finish(job)
    doubled_at = max(row.at for row in remote.diary.began(node="spore-2"))
    await_state("spore-1", "lost")
    lost_at = time.monotonic()

    # A heartbeat may have left just before the cut, and the Foreman looks once a second.
    figure(4, "seconds until SUSPECT", suspect_at - cut_at, "≤ 8 s")
    figure(4, "seconds until its work runs elsewhere", doubled_at - cut_at, "≤ 10 s")
    figure(4, "seconds until LOST", lost_at - cut_at, "≤ 47 s")
    figure(4, "lost", lost(job), "= 0")
    figure(4, "retries burned", burned(job), "= 0")
    check(remote)


@pytest.mark.parametrize("how", ["in silence", "with closed sockets"])
def test_row_04_a_node_that_is_cut_off_ends_what_must_not_run_twice(remote, how, figure):
    job = submit("chaos.once", [300.0])
    slot = psutil.Process(first_entry(remote, job).pid)

    cut_at = time.monotonic()
    remote.network.black_hole()
    if how == "with closed sockets":
        remote.network.cut()
    until(lambda: is_ended(slot), within=SOON, what="its slot is ended")
    seconds = time.monotonic() - cut_at
    remote.network.heal()
    finish(job)

    figure(4, f"seconds until at_most_once work is ended, cut off {how}", seconds, "< 45")
    figure(4, f"runs of at_most_once work, cut off {how}", len(remote.diary.began()), "= 1")
    assert states(job) == {"failed": 1}
    await_state("spore-1", "online")
    check(remote)


def test_row_04_deadlines_hold_on_a_node_that_is_cut_off(remote, figure):
    job = submit("chaos.deaf", ["in C"], timeout=2.0, retries=0)
    begun = first_entry(remote, job)
    slot = psutil.Process(begun.pid)

    remote.network.black_hole()
    remote.network.cut()
    until(lambda: is_ended(slot), within=SOON, what="its slot is ended")
    seconds = time.monotonic() - begun.at - 2.0
    remote.network.heal()
    finish(job)

    # The agent waits for Redis in vain now and then, which comes on top of the usual 6 s.
    figure(4, "seconds past its timeout, cut off", seconds, "≤ 10 s")
    assert states(job) == {"failed": 1}
    check(remote)


def test_row_05_a_spore_that_was_frozen_for_30_s_is_not_lost_and_its_result_counts(two, figure):
    job = submit("chaos.work", [26.0])
    frozen = first_entry(two, job).node

    two.freeze(frozen)
    always(lambda: node(frozen).state != "lost", seconds=30, what="it is not given up")
    two.thaw(frozen)
    finish(job)

    # Its copy began 6 s later elsewhere, so the first result is that of the frozen one.
    assert Subtask.objects.get(job=job).node == frozen
    figure(5, "false LOST", len(node(frozen).losses), "= 0")
    figure(5, "lost", lost(job), "= 0")
    figure(5, "retries burned", burned(job), "= 0")
    await_state(frozen, "online")
    check(two)


def test_row_05_work_that_must_not_be_doubled_outlives_a_freeze_of_30_s(two, figure):
    job = submit("chaos.once", [20.0])
    frozen = first_entry(two, job).node

    two.freeze(frozen)
    always(lambda: node(frozen).state != "lost", seconds=30, what="it is not given up")
    two.thaw(frozen)
    finish(job)

    figure(5, "lost, at_most_once", lost(job), "= 0")
    figure(5, "retries burned, at_most_once", burned(job), "= 0")
    figure(5, "runs, at_most_once", two.diary.times_run(job)[0], "= 1")
    check(two)


def test_row_06_what_a_spore_says_after_120_s_of_freeze_changes_nothing(cluster, figure):
    cluster.foreman()
    cluster.spore("spore-1", slots=4)
    cluster.await_nodes("spore-1")
    job = submit("chaos.work", [20.0] * 4)
    until(lambda: len(cluster.diary.began(job=job)) == 4, within=SOON, what="all of it runs")
    cluster.spore("spore-2", slots=4, CHAOS_SLOWNESS="0")

    cluster.freeze("spore-1")
    seconds = await_state("spore-1", "lost")
    finish(job)
    before = list(Subtask.objects.filter(job=job).order_by("pk").values())
    time.sleep(120 - seconds)
    # The agent would end its slots before they can say anything.
    cluster.thaw_slots("spore-1")
    until(late_reports, within=SOON, what="its slots report what they did")
    cluster.thaw("spore-1")
    await_state("spore-1", "online")

    assert list(Subtask.objects.filter(job=job).order_by("pk").values()) == before
    figure(6, "seconds until LOST", seconds, "≤ 47 s")
    figure(6, "late reports dropped", late_reports(), "≥ 1")
    figure(6, "lost", lost(job), "= 0")
    check(cluster)


def late_reports():
    """How many events of reports the Foreman dropped."""
    return look().facts["dropped_reports"]


def test_row_16_a_wrong_clock_harms_nobody(cluster, tmp_path: Path, figure):
    clock = tmp_path / "clock"
    clock.write_text("0")
    skewed = str(Path(__file__).with_name("skewed"))
    cluster.foreman()
    cluster.spore("spore-1", slots=2, PYTHONPATH=skewed, CHAOS_CLOCK=str(clock))
    cluster.await_nodes("spore-1")

    for hours in (0, 1, -1, 0):
        clock.write_text(str(hours * 3600))
        job = submit("chaos.work", [0.3] * 20)
        finish(job)

        figure(16, f"{hours:+} h: lost", lost(job), "= 0")
        figure(16, f"{hours:+} h: retries burned", burned(job), "= 0")
        figure(16, f"{hours:+} h: false LOST", len(node("spore-1").losses), "= 0")
    check(cluster)
