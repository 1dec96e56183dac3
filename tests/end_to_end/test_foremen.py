"""Foremen that die and Foremen that stand by: one leads, and the work goes on."""

import signal
import subprocess
import sys

import pytest

from hive_site.configuration import PROJECT
from tests.end_to_end.colony import PATIENCE, SLOTS, SPORES, until

pytestmark = pytest.mark.processes


@pytest.fixture
def start_foreman(colony):
    """Starts another Foreman beside the Hive's own; ends it with the test."""
    started = []

    def start():
        log = (colony.stack.logs / f"foreman-{len(started) + 2}.log").open("w")
        script = [sys.executable, str(PROJECT / "manage.py"), "foreman"]
        process = subprocess.Popen(script, env=colony.beside, stdout=log, stderr=log)
        started.append(process)
        return process

    yield start
    for process in started:
        process.terminate()
        process.wait(PATIENCE)
    colony.heal()


def leader(colony):
    """The process that leads, as the Hive tells it; None if nobody does."""
    foreman = colony.cluster()["foreman"]
    return int(foreman["holder"].split(":")[1]) if foreman["state"] == "leading" else None


def test_another_foreman_goes_on_where_a_killed_one_stopped(colony, hive, marks, start_foreman):
    epoch = colony.cluster()["foreman"]["epoch"]
    held = hive.submit("odd.hold", [str(marks.place)] * SPORES * SLOTS, retries=0)["id"]
    marks.await_count(SPORES * SLOTS)
    waiting = hive.submit("demo.echo", [1, 2, 3], retries=0)["id"]

    colony.kill("foreman")
    marks.go()
    late = hive.submit("demo.echo", [4], retries=0)["id"]
    other = start_foreman()

    until(lambda: leader(colony) == other.pid, what="another leader")
    assert colony.cluster()["foreman"]["epoch"] > epoch
    for job in (held, waiting, late):
        assert hive.wait(job, 30)["state"] == "succeeded"
        assert {row["attempts"] for row in colony.subtasks(job)} == {1}
    assert len(marks.read()) == SPORES * SLOTS


def test_of_two_foremen_one_leads_until_it_dies(colony, hive, start_foreman):
    first, epoch = colony.pid("foreman"), colony.cluster()["foreman"]["epoch"]
    second = start_foreman()
    # Whoever has its signals in hand has built its Foreman: it stands by.
    until(lambda: catches(second.pid, signal.SIGTERM), what="a second Foreman that runs")

    assert hive.map("demo.echo", list(range(50)), timeout=30) == list(range(50))
    assert (leader(colony), colony.cluster()["foreman"]["epoch"]) == (first, epoch)
    job = hive.submit("demo.sleep", [0.01] * 400, retries=0)["id"]
    until(lambda: hive.job(job)["progress"]["succeeded"] > 20, what="work in flight")
    colony.kill("foreman")

    until(lambda: leader(colony) == second.pid, what="the second Foreman as leader")
    assert hive.wait(job, 30)["state"] == "succeeded"
    assert {row["attempts"] for row in colony.subtasks(job)} == {1}


def test_a_foreman_that_is_told_to_stop_makes_way_at_once(colony, start_foreman):
    second = start_foreman()
    until(lambda: catches(second.pid, signal.SIGTERM), what="a second Foreman that runs")

    colony.signal("foreman", signal.SIGTERM)

    colony.await_death("foreman")
    until(lambda: leader(colony) == second.pid, what="the second Foreman as leader")


def catches(pid, signum):
    """Whether a process has a handler for a signal (proc(5), SigCgt)."""
    with open(f"/proc/{pid}/status") as file:
        mask = next(line for line in file if line.startswith("SigCgt")).split()[1]
    return bool(int(mask, 16) >> (signum - 1) & 1)
