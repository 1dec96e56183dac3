"""A Hive is backed up while it works, and goes on elsewhere from there."""

import json
import tarfile

import pytest

from tests.end_to_end.colony import Colony, manage, until
from tests.end_to_end.releases import publish_note, releases, roll_out

pytestmark = pytest.mark.processes


@pytest.fixture
def colonies(tmp_path):
    """Starts a Hive of one Spore on a directory; it ends with the test."""
    started = []

    def start(name):
        # In its own directory, whatever database other tests use.
        started.append(Colony(tmp_path / name, spores=1, DATABASE_URL=""))
        return started[-1]

    yield start
    for one in started:
        one.stop()


def test_nothing_is_lost_from_a_backup_that_was_made_while_it_worked(colonies, tmp_path):
    first, backup = colonies("first"), tmp_path / "backup.tar.gz"
    done = first.hive.submit("demo.echo", ["honey" * 20_000])["id"]
    first.hive.wait(done, 30)
    publish_note(first, "1.0.0", tmp_path)
    half = first.hive.submit("demo.sleep", [0.02] * 300)["id"]
    until(lambda: first.hive.job(half)["progress"]["succeeded"] > 10, what="work in flight")

    made = first.manage("hive", "backup", "--out", str(backup), "--json")

    assert made.returncode == 0, made.stderr
    assert json.loads(made.stdout)["notes"] == []
    assert backup.stat().st_mode & 0o777 == 0o600
    with tarfile.open(backup) as tar:
        # A job in flight did not wait for it, and its rows are in it.
        assert tar.getnames()[0] == "database.sqlite3"
    over = first.manage("hive", "restore", str(backup), "--force")
    assert (over.returncode, "another Hive" in over.stderr) == (2, True), over.stderr

    first.stop()
    place = ("--data", str(tmp_path / "second"))
    restored = manage("hive", "restore", str(backup), *place, "--json", env=first.env)
    assert restored.returncode == 0, restored.stderr
    assert json.loads(restored.stdout)["to_know"] == []
    second = colonies("second")

    assert second.stack.ready["api_key"] == first.stack.ready["api_key"]
    assert second.hive.job(done)["result"] == "honey" * 20_000
    assert second.hive.wait(half, 60)["progress"]["succeeded"] == 300
    _, ran = roll_out(second, "1.0.0")
    assert ran.returncode == 0, ran.stderr
    until(lambda: releases(second) == {"1.0.0"}, what="the release that was published before")
    looked = second.manage("hive", "doctor", "--json")
    found = {row["name"]: row for row in json.loads(looked.stdout)["findings"]}
    assert looked.returncode == 0, found
    assert found["Clocks of nodes"]["found"] == "1 within 2 s of Redis's"
    checked = second.manage("hive", "check", "--json")
    assert (json.loads(checked.stdout)["violations"], checked.returncode) == ([], 0)
    refused = manage("hive", "restore", str(backup), *place, env=first.env)
    assert "another Hive" in refused.stderr
