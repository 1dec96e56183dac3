"""A release that some nodes run has tasks that the Nexus's own code does not know."""

import json

import pytest

from jobs.client import Hive, HiveError, pack, unpack
from tests.end_to_end.colony import PATIENCE, SPORES, TASKS, until
from tests.end_to_end.guests import guest

pytestmark = pytest.mark.processes

MODULES = f"{TASKS},tests.end_to_end.far_tasks"


def tasks(hive):
    return {row["name"]: row for row in hive.request("GET", "tasks/")["results"]}


def refused(hive, task):
    with pytest.raises(HiveError) as refusal:
        hive.submit(task, [1])
    return refusal.value.status, refusal.value.problem["errors"][0]["pointer"]


def plain(colony):
    """The client of who may not hand in Python objects."""
    made = colony.manage("hive", "key", "far", "--scopes", "submit,read", "--json")
    return Hive(colony.stack.ready["nexus"], json.loads(made.stdout)["key"])


def test_they_can_be_submitted_and_run_where_they_are_and_nowhere_else(hive, colony):
    assert refused(hive, "far.weigh") == (400, "/task")

    with guest(colony, "far", slots=1, HIVE_TASK_MODULES=MODULES):
        told = until(lambda: tasks(hive).get("far.weigh"), what="the list of far tasks")
        job = hive.submit("far.weigh", list(range(12)), kwargs={"unit": "kg"}, reduce="far.join")
        ended = hive.wait(job["id"], PATIENCE)
        rows = list(hive.results(job["id"]))

        assert (told["where"], told["summary"]) == ("nodes", "Weighs something far away.")
        assert told["schema"]["item"] == {"type": "integer"}
        assert told["options"]["timeout"] == 17
        assert ended["state"] == "succeeded"
        assert {row["node"] for row in rows} == {"far"}
        assert rows[3]["result"] == "3 kg on far"
        assert ended["result"][:2] == ["far", "0 kg on far"]
        assert tasks(hive)["demo.echo"]["where"] == "nexus"
        assert refused(hive, "far.nowhere") == (400, "/task")

        # What takes Python objects there takes the scope here.
        [packed] = hive.map("far.objects", [pack(7)], timeout=PATIENCE)
        assert unpack(packed) == {7}
        assert refused(plain(colony), "far.objects") == (403, "/task")

    # Its node is gone: what was known is accepted, and waits for another one.
    late = hive.submit("far.weigh", [1])["id"]
    reason = f"{SPORES} lack the task far.weigh"
    until(lambda: reason in str(hive.job(late)["waiting_for"]), what=reason)
    hive.cancel(late)
