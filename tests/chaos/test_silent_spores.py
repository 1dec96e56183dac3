"""Spores that fall silent, and may come back: rows 4, 5, 6 and 16 of FAULTS.md."""

import pytest

from jobs.models import Subtask
from tests.chaos.cluster import SOON
from tests.chaos.waiting import always, until
from tests.chaos.work import await_state, burned, check, finish, lost, node, submit

pytestmark = pytest.mark.chaos


@pytest.fixture
def two(cluster):
    """A Foreman and two Spores of one slot."""
    cluster.foreman()
    for name in ("spore-1", "spore-2"):
        cluster.spore(name)
    cluster.await_nodes("spore-1", "spore-2")
    return cluster


def where_it_runs(cluster, job):
    """The node on which the only item of a job began."""
    return until(lambda: cluster.diary.began(job=job), within=SOON, what="it begins")[0].node


@pytest.mark.quick
def test_row_05_a_spore_that_was_frozen_for_30_s_is_not_lost_and_its_result_counts(two, figure):
    job = submit("chaos.work", [26.0])
    frozen = where_it_runs(two, job)

    two.freeze(frozen)
    always(lambda: node(frozen).state != "lost", seconds=30, what="it is not given up")
    two.thaw(frozen)
    finish(job)

    # Its copy began 6 s later elsewhere, so the first result is that of the frozen one.
    subtask = Subtask.objects.get(job=job)
    assert subtask.node == frozen
    figure(5, "seconds frozen", 30)
    figure(5, "false LOST", len(node(frozen).losses), "= 0")
    figure(5, "lost", lost(job), "= 0")
    figure(5, "retries burned", burned(job), "= 0")
    await_state(frozen, "online")
    check(two)


def test_row_05_work_that_must_not_be_doubled_outlives_a_freeze_of_30_s(two, figure):
    job = submit("chaos.once", [20.0])
    frozen = where_it_runs(two, job)

    two.freeze(frozen)
    always(lambda: node(frozen).state != "lost", seconds=30, what="it is not given up")
    two.thaw(frozen)
    finish(job)

    figure(5, "retries burned, at_most_once", burned(job), "= 0")
    figure(5, "lost, at_most_once", lost(job), "= 0")
    figure(5, "runs, at_most_once", two.diary.times_run(job)[0], "= 1")
    check(two)
