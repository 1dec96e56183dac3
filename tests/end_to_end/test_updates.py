"""Five real Spores under load get a new task over the air, and refuse broken ones."""

import json

import pytest

from tests.end_to_end.colony import Colony, until
from tests.end_to_end.marks import Marks
from tests.end_to_end.releases import DEMO, Project, releases, roll_out

pytestmark = pytest.mark.processes

SPORES = 5
FRESH = '''

@task("demo.fresh")
def fresh(ctx, item):
    """Came over the air."""
    return {"item": item, "release": ctx.release}
'''


@pytest.fixture(scope="module")
def colony(tmp_path_factory):
    colony = Colony(tmp_path_factory.mktemp("fleet"), spores=SPORES, slots=1)
    yield colony
    checked = colony.manage("hive", "check", "--json")
    colony.stop()
    assert (json.loads(checked.stdout)["violations"], checked.returncode) == ([], 0), checked.stderr


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A copy of the project whose files tests change."""
    return Project(tmp_path_factory.mktemp("project"))


@pytest.fixture(scope="module")
def first(colony, project, tmp_path_factory):
    """Release 1.0.0 with a new task, rolled out while a job of many items and a long one run."""
    place = tmp_path_factory.mktemp("first")
    marks = Marks(place / "marks")
    project.append(DEMO, FRESH)
    project.publish(colony, "1.0.0", place)
    long = colony.hive.submit("odd.hold_once", [str(marks.place)])
    colony.await_running(long.id)
    load = colony.hive.submit("demo.sleep", [0.02] * 1500)
    told, ran = roll_out(colony, "1.0.0")
    held = colony.hive.job(long)
    marks.go()
    return {"told": told, "ran": ran, "load": load, "long": long, "held": held}


def test_every_spore_runs_the_new_release_in_the_end(colony, first):
    assert first["ran"].returncode == 0, first["ran"].stderr
    assert first["told"]["state"] == "succeeded"
    assert {node["state"] for node in first["told"]["nodes"]} == {"healthy"}
    assert releases(colony) == {"1.0.0"}


def test_the_new_task_runs_though_the_nexus_does_not_know_its_code(colony, first):
    results = colony.hive.map("demo.fresh", range(20))

    assert list(results) == [{"item": n, "release": "1.0.0"} for n in range(20)]


def test_nothing_is_lost_and_nothing_runs_twice_meanwhile(colony, first):
    job = colony.hive.job(first["load"], wait=60)

    rows = colony.subtasks(job.id)
    assert [row["state"] for row in rows] == ["succeeded"] * 1500
    assert {row["attempts"] for row in rows} == {1}


def test_a_task_that_runs_long_is_left_in_peace(colony, first):
    ended = colony.hive.job(first["long"], wait=30)

    assert first["held"]["state"] == "running"
    assert (ended["state"], ended["result"]) == ("succeeded", 1)


def test_a_release_whose_probe_fails_stops_at_its_canary(colony, project, first, tmp_path):
    project.edit(DEMO, '"pid": os.getpid(),', '"pid": os.getpid("broken"),')
    project.publish(colony, "1.1.0", tmp_path)
    load = colony.hive.submit("demo.sleep", [0.02] * 500)

    told, ran = roll_out(colony, "1.1.0")

    [broken] = [node for node in told["nodes"] if node["state"] == "rolled_back"]
    assert (ran.returncode, told["state"]) == (1, "paused")
    others = {node["state"] for node in told["nodes"] if node != broken}
    assert others <= {"staging", "staged"}
    assert (broken["wave"], broken["code"]) == (0, "probe")
    assert "getpid() takes no arguments" in broken["reason"]
    assert broken["reason"] in ran.stderr
    until(lambda: releases(colony) == {"1.0.0"}, what="one release everywhere")
    assert colony.hive.job(load, wait=60)["state"] == "succeeded"
    colony.manage("ota", "abort", told["id"])
    aborted = lambda: colony.hive.request("GET", f"ota/rollouts/{told['id']}/")["state"]  # noqa: E731
    until(lambda: aborted() == "aborted", what="the end of the rollout")
    project.edit(DEMO, 'os.getpid("broken")', "os.getpid()")


def test_a_release_that_cannot_be_imported_is_switched_to_nowhere(colony, project, first, tmp_path):
    project.edit(DEMO, '@task("demo.fresh")', '@task("demo.fresh"')
    project.publish(colony, "1.2.0", tmp_path)

    told, ran = roll_out(colony, "1.2.0")

    failed = [node for node in told["nodes"] if node["state"] == "failed"]
    assert ran.returncode == 1
    assert failed
    assert {node["code"] for node in failed} == {"preflight"}
    assert "SyntaxError" in failed[0]["reason"]
    assert {node["state"] for node in told["nodes"]} <= {"failed", "staging", "staged", "pending"}
    assert releases(colony) == {"1.0.0"}
    colony.manage("ota", "abort", told["id"])
    project.edit(DEMO, '@task("demo.fresh"\n', '@task("demo.fresh")\n')


def test_one_command_takes_all_of_it_back(colony, first):
    version = colony.manage("ota", "status", "--json")
    ran = colony.manage("ota", "rollback", first["told"]["id"], "--wait", "100")

    assert (version.returncode, ran.returncode) == (0, 0), ran.stderr
    until(lambda: "1.0.0" not in releases(colony), what="its own code on every node")
    job = colony.hive.submit("demo.fresh", [1], deadline=colony.moment(2))
    assert colony.hive.job(job, wait=20)["state"] == "failed"
    assert colony.subtasks(job.id)[0]["attempts"] == 0


def test_a_package_that_is_not_what_was_built_is_refused(colony, project, tmp_path):
    package = project.build(colony, "1.3.0", tmp_path)
    data = bytearray(package.read_bytes())
    data[len(data) // 2] ^= 1
    package.write_bytes(data)

    ran = colony.manage("ota", "publish", str(package))

    assert (ran.returncode, ran.stdout) == (1, "")
    assert "1.3.0.zip was not published: this is no package to publish" in ran.stderr
    assert len(ran.stderr.splitlines()) == 1
