import subprocess
import sys

import pytest
from django.core.exceptions import ImproperlyConfigured

from hive_site import occupied
from hive_site.backups.moving import clear_staging
from hive_site.configuration import PROJECT
from hive_site.kernel.errors import Conflict
from hive_site.occupied import LIST, alone, is_half_restored, occupy

HOLD = """
import sys; from pathlib import Path
from hive_site.occupied import occupy
occupy(Path(sys.argv[1])); occupy(Path(sys.argv[1]))
print("ready", flush=True); sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def nobody(monkeypatch):
    monkeypatch.setattr(occupied, "_held", {})


@pytest.fixture
def holders(tmp_path):
    """Two processes that work on the directory, like a Nexus and a Foreman."""
    script = [sys.executable, "-c", HOLD, str(tmp_path)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    running = [subprocess.Popen(script, cwd=PROJECT, **pipes) for _ in range(2)]
    for one in running:
        assert one.stdout.readline() == b"ready\n"
    yield running
    for one in running:
        one.kill()
        one.communicate()


def test_any_number_may_work_on_a_directory_and_nobody_restores_meanwhile(tmp_path, holders):
    with pytest.raises(Conflict, match="Nexus or a Foreman runs"), alone(tmp_path):
        pass


def test_it_is_free_however_they_end(tmp_path, holders):
    for one in holders:
        one.kill()
        one.wait()

    with alone(tmp_path):
        pass


def test_nobody_starts_during_a_restore(tmp_path):
    with alone(tmp_path), pytest.raises(ImproperlyConfigured, match="being restored"):
        occupy(tmp_path)


def test_nobody_starts_on_half_a_restore(tmp_path):
    (clear_staging(tmp_path) / LIST).write_text("{}")

    assert is_half_restored(tmp_path)
    with pytest.raises(ImproperlyConfigured, match="broke off"):
        occupy(tmp_path)
