"""Machines and processes that are killed: every subtask ends, none is lost, none is done twice."""

import os
import signal

import psutil
import pytest

from tests.end_to_end.colony import SLOTS, SPORES, is_gone, until

pytestmark = pytest.mark.processes

ALL_SLOTS = SPORES * SLOTS


@pytest.fixture(autouse=True)
def whole_again(colony):
    """Each test begins with every Spore, whatever the one before killed."""
    colony.heal()


def outcomes(colony, job, index):
    return [attempt["outcome"] for attempt in colony.tries(job, index)]


def test_a_killed_spore_takes_its_slots_along_and_its_work_goes_elsewhere(colony, hive, marks):
    job = hive.submit("odd.hold", [str(marks.place)] * ALL_SLOTS, retries=0)["id"]
    begun = marks.await_count(ALL_SLOTS)
    slots = colony.slots("spore-1")
    struck = {mark.index for mark in begun if mark.pid in [slot.pid for slot in slots]}

    colony.kill("spore-1")

    until(lambda: all(map(is_gone, slots)), within=1, what="the end of the slots")
    until(lambda: colony.nodes()["spore-1"]["state"] == "lost", what="a node that is lost")
    marks.go()
    assert hive.wait(job, 30)["state"] == "succeeded"
    rows = colony.subtasks(job)
    assert {row["index"]: row["attempts"] for row in rows} == {
        index: 2 if index in struck else 1 for index in range(ALL_SLOTS)
    }
    assert all(rows[index]["node"] != "spore-1" for index in struck)
    assert all(outcomes(colony, job, index) == ["lost", "succeeded"] for index in struck)


def test_nothing_is_lost_or_done_twice_when_a_spore_is_killed_under_load(colony, hive):
    items = list(range(1_500))
    job = hive.submit("demo.echo", items)["id"]
    slow = hive.submit("demo.sleep", [0.01] * 600)["id"]
    until(lambda: hive.job(slow)["progress"]["succeeded"] > 50, what="work in full flight")

    colony.kill("spore-2")

    assert [hive.wait(one, 60)["state"] for one in (job, slow)] == ["succeeded"] * 2
    assert [row["result"] for row in colony.subtasks(job)] == items
    again = [row["index"] for row in colony.subtasks(slow) if row["attempts"] > 1]
    assert len(again) <= SLOTS  # what its slots were working on, not what lay behind it
    assert all(outcomes(colony, slow, index) == ["lost", "succeeded"] for index in again)


def test_a_killed_slot_costs_one_attempt_of_what_it_ran(colony, hive, marks):
    job = hive.submit("odd.hold", [str(marks.place)] * ALL_SLOTS, retries=0)["id"]
    struck = marks.await_count(ALL_SLOTS)[0]
    home = next(name for name in colony.nodes() if struck.pid in pids(colony, name))

    os.kill(struck.pid, signal.SIGKILL)

    until(lambda: outcomes(colony, job, struck.index), what="the end of the attempt")
    until(lambda: len(pids(colony, home)) == SLOTS, what="another slot")
    marks.go()
    assert hive.wait(job, 30)["state"] == "succeeded"
    rows = colony.subtasks(job)
    assert [row["attempts"] for row in rows] == [1 + (i == struck.index) for i in range(ALL_SLOTS)]
    assert rows[struck.index]["node"] != home
    first, second = colony.tries(job, struck.index)
    assert (first["outcome"], second["outcome"]) == ("crashed", "succeeded")
    assert "SIGKILL" in first["error"]["message"]


def pids(colony, spore):
    return [slot.pid for slot in colony.slots(spore)]


def test_a_spore_that_is_told_to_stop_ends_what_it_runs_and_hands_back_the_rest(
    colony, hive, marks
):
    held = hive.submit("odd.hold", [str(marks.place)] * ALL_SLOTS, retries=0)["id"]
    begun = marks.await_count(ALL_SLOTS)
    mine = {mark.index for mark in begun if mark.pid in pids(colony, "spore-3")}
    behind = hive.submit("demo.echo", list(range(300)), retries=0)["id"]

    colony.signal("spore-3", signal.SIGTERM)
    marks.go()

    colony.await_death("spore-3")
    assert [hive.wait(job, 30)["state"] for job in (held, behind)] == ["succeeded"] * 2
    rows = colony.subtasks(held)
    assert [row["attempts"] for row in rows] == [1] * ALL_SLOTS
    assert {rows[index]["node"] for index in mine} == {"spore-3"}
    assert {row["attempts"] for row in colony.subtasks(behind)} == {1}
    until(lambda: colony.nodes()["spore-3"]["reason"] == "shut down", what="its farewell")


def test_a_spore_in_a_hurry_costs_its_tasks_no_crash(colony, hive, marks):
    job = hive.submit("odd.hold", [str(marks.place)] * ALL_SLOTS, retries=0)["id"]
    begun = marks.await_count(ALL_SLOTS)
    mine = {mark.index for mark in begun if mark.pid in pids(colony, "spore-1")}

    spore = psutil.Process(colony.pid("spore-1"))
    until(lambda: hurry(spore), what="the end of the Spore")
    colony.await_death("spore-1")
    marks.go()

    assert hive.wait(job, 30)["state"] == "succeeded"
    assert mine
    assert all(outcomes(colony, job, index) == ["lost", "succeeded"] for index in mine)


def hurry(spore):
    """Tell a process to stop until it is gone: the second signal says that it is urgent."""
    if not is_gone(spore):
        spore.terminate()
    return is_gone(spore)


def test_what_runs_on_a_dead_node_can_be_cancelled(colony, hive, marks):
    job = hive.submit("odd.hold", [str(marks.place)])["id"]
    [mark] = marks.await_count(1)
    home = next(name for name in colony.nodes() if mark.pid in pids(colony, name))

    colony.kill(home)
    hive.cancel(job)

    job = hive.wait(job, 30)
    assert (job["state"], job["progress"]["cancelled"]) == ("cancelled", 1)
    assert len(marks.read()) == 1


def test_the_name_of_a_living_spore_is_taken(colony):
    env = {"HIVE_NODE_KEY": "00"}

    ran = colony.manage("rqworker", "--name", "spore-1", **env)

    assert ran.returncode == 2
    assert "a Spore named 'spore-1' is running" in ran.stderr
    assert "Traceback" not in ran.stderr
