"""Release after release while work goes on: all of it runs, and nothing twice that must not."""

from collections import Counter

import pytest

from tests.end_to_end.colony import Colony
from tests.end_to_end.marks import Marks
from tests.end_to_end.releases import DEMO, Project, releases, roll_out

pytestmark = pytest.mark.chaos

ROUNDS = 12


@pytest.fixture
def colony(tmp_path):
    colony = Colony(tmp_path / "hive")
    yield colony
    colony.stop()


def test_nothing_is_lost_and_nothing_runs_twice_through_twelve_updates(colony, tmp_path):
    project, marks = Project(tmp_path / "project"), Marks(tmp_path / "marks")
    (tmp_path / "packages").mkdir()
    once = colony.hive.submit("odd.mark_once", [[str(marks.place), 0.05]] * ROUNDS * 60)
    long = colony.hive.submit("odd.mark_once", [[str(marks.place), 8.0]] * ROUNDS * 2)
    plain = colony.hive.submit("demo.sleep", [0.02] * ROUNDS * 100)
    last = ""
    for number in range(ROUNDS):
        if number % 4 == 3:
            ran = colony.manage("ota", "rollback", last, "--wait", "100")
            assert ran.returncode == 0, ran.stderr
            continue
        version = f"1.0.{number}"
        project.append(DEMO, f"# {version}\n")
        project.publish(colony, version, tmp_path / "packages")
        told, ran = roll_out(colony, version, "--strategy", ("fast", "all-at-once")[number % 2])
        assert ran.returncode == 0, ran.stderr
        assert releases(colony) == {version}
        last = told["id"]

    for job in (once, long, plain):
        ended = colony.hive.job(job, wait=60)
        while not ended.ended:
            ended = colony.hive.job(job, wait=60)
        rows = colony.subtasks(job.id)
        assert {row["state"] for row in rows} == {"succeeded"}
        assert {row["attempts"] for row in rows} == {1}
    runs = Counter(path.name.split(".")[0] for path in marks.place.glob("run-*"))
    assert len(runs) == ROUNDS * 62
    assert set(runs.values()) == {1}
    checked = colony.manage("hive", "check")
    assert checked.returncode == 0, checked.stdout
