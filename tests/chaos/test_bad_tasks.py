"""Tasks that kill their process, or never end: rows 18 and 19 of FAULTS.md."""

import time

import pytest

from jobs.models import Attempt, Subtask
from nodes.models import Node
from tests.chaos.cluster import SOON
from tests.chaos.waiting import until
from tests.chaos.work import check, finish, lost, submit

pytestmark = pytest.mark.chaos
TIMEOUT = 2.0


@pytest.fixture
def two(cluster):
    """A Foreman and two Spores of one slot, which may hold 300 MB."""
    cluster.foreman()
    for name in ("spore-1", "spore-2"):
        cluster.spore(name, HIVE_SLOT_MEMORY_MB="300")
    cluster.await_nodes("spore-1", "spore-2")
    return cluster


@pytest.mark.quick
def test_row_18_poison_is_quarantined_and_nothing_else_suffers(two, figure):
    poison = submit("demo.crash", ["segv", "kill", "exit"])
    glutton = submit("demo.allocate", [600], kwargs={"hold": 60})
    good = submit("chaos.work", [0.1] * 20)

    finish(poison, glutton, good, within=120)

    bad = Subtask.objects.filter(job__in=[poison, glutton])
    for subtask in bad:
        tries = Attempt.objects.filter(subtask=subtask, outcome="crashed")
        assert len({row.node for row in tries}) == 2, subtask.error
    figure(18, "quarantined of 4", bad.filter(state="quarantined").count(), "= 4")
    figure(18, "crashes of each", max(bad.values_list("crashes", flat=True)), "≤ 3")
    figure(18, "nodes lost", Node.objects.exclude(losses=[]).count(), "= 0")
    figure(18, "lost of other jobs", lost(good), "= 0")
    check(two)


def test_row_18_poison_does_not_slow_other_jobs_down(two, figure):
    alone = seconds_of_a_job()
    submit("demo.crash", ["segv", "kill", "exit"])

    beside = seconds_of_a_job()

    # The poison itself takes its share of the slots while it dies; that is counted too.
    figure(18, "slower beside poison, %", 100 * (beside / alone - 1), "≤ 5")


def seconds_of_a_job():
    begun = time.monotonic()
    finish(submit("chaos.work", [0.25] * 400), within=300)
    return time.monotonic() - begun


@pytest.mark.quick
@pytest.mark.parametrize("how", ["in C", "in Python"])
def test_row_19_an_endless_loop_is_killed_soon_after_its_timeout(two, how, figure):
    job = submit("chaos.deaf", [how], timeout=TIMEOUT, retries=0)
    [begun] = until(lambda: two.diary.began(job=job), within=SOON, what="it begins")

    finish(job)

    late = time.monotonic() - begun.at - TIMEOUT
    figure(19, f"seconds past its timeout, {how}", late, "≤ 6 s")
    assert Subtask.objects.get(job=job).state == "failed"
    check(two)
