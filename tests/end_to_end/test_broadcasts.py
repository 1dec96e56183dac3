"""Broadcasts to real Spores."""

import json

import pytest

from jobs.client import HiveError
from tests.end_to_end.colony import SPORES, until

pytestmark = pytest.mark.processes
ALL = {f"spore-{number}" for number in range(1, SPORES + 1)}


@pytest.fixture(autouse=True)
def whole_again(colony):
    """Each test begins with every Spore, whatever the one before ended."""
    colony.heal()


def call_out(hive, command, *, wait=30, **body):
    """The answers of the nodes."""
    view = hive.request("POST", f"broadcasts/?wait={wait}", {"command": command, **body})
    return view["acknowledgements"]


def test_every_spore_answers_a_ping_and_tells_its_status(hive):
    pongs = call_out(hive, "PING", data={"n": 1})
    told = call_out(hive, "STATUS", nodes=["spore-2"])

    assert {name: said["data"] for name, said in pongs.items()} == {
        name: {"echo": {"n": 1}} for name in ALL
    }
    status = told["spore-2"]["data"]
    assert (list(told), status["slots"], status["running"]) == (["spore-2"], 2, 0)
    assert status["uptime_seconds"] > 0
    assert {"release", "cpu", "memory", "metrics"} <= status.keys()


def test_a_drained_node_gets_no_work_until_it_is_resumed(colony, hive):
    call_out(hive, "DRAIN", nodes=["spore-1", "spore-2"])

    until(lambda: colony.nodes()["spore-1"]["state"] == "draining", what="a draining node")
    rows = hive.submit("demo.whoami", list(range(20)))["id"]
    hive.wait(rows, 30)
    assert {row["node"] for row in colony.subtasks(rows)} == {"spore-3"}
    call_out(hive, "RESUME")
    until(lambda: colony.nodes()["spore-1"]["state"] == "online", what="a node that works again")


def test_a_spore_that_is_told_to_shut_down_ends_its_work_and_goes(colony, hive, marks):
    job = hive.submit("odd.hold", [str(marks.place)] * 6, retries=0)["id"]
    marks.await_count(6)

    said = call_out(hive, "SHUTDOWN", nodes=["spore-3"])
    marks.go()

    assert said["spore-3"]["ok"]
    colony.await_death("spore-3")
    assert hive.wait(job, 30)["state"] == "succeeded"
    assert {row["attempts"] for row in colony.subtasks(job)} == {1}


def test_a_lost_node_is_listed_and_nobody_waits_for_it(colony, hive):
    colony.kill("spore-1")
    until(lambda: colony.nodes()["spore-1"]["state"] == "lost", what="a node that is lost")

    answers = call_out(hive, "PING", wait=60)

    assert answers["spore-1"] is None
    assert answers["spore-2"]["ok"]
    assert answers["spore-3"]["ok"]


def test_nodes_with_a_launcher_look_for_updates_when_they_are_told(hive, colony):
    said = call_out(hive, "UPDATE_SYSTEM", nodes=["spore-1"])["spore-1"]

    release = colony.nodes()["spore-1"]["release"]
    assert (said["ok"], said["data"]) == (True, {"release": release, "managed": True})


def test_unknown_nodes_are_named(hive):
    with pytest.raises(HiveError, match="no node is named 'spore-9'") as refusal:
        call_out(hive, "PING", nodes=["spore-1", "spore-9"])

    assert refusal.value.status == 400


def test_an_operator_can_call_out_from_the_command_line(colony):
    ran = colony.manage("hive", "broadcast", "ping", "--wait", "30", "--json")

    assert (ran.returncode, ran.stderr) == (0, "")
    assert {
        name for name, said in json.loads(ran.stdout)["acknowledgements"].items() if said
    } == ALL
