"""The unit that starts a Spore which joined."""

import shutil
import subprocess
from pathlib import Path

import pytest

from hive_site.configuration import PROJECT
from hive_site.systemd import compose_unit

FACTS = {"node": "gpu-1", "user": "ann", "group": "staff"}


def unit(home="/srv/hive", python="/opt/hive/.venv/bin/python", project="/opt/hive"):
    return compose_unit(home=Path(home), python=python, project=Path(project), **FACTS)


def settings(text: str) -> dict[str, str]:
    lines = [line for line in text.splitlines() if "=" in line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


def test_it_starts_the_spore_of_that_home_as_its_owner():
    found = settings(unit())

    line = "/opt/hive/.venv/bin/python /opt/hive/manage.py rqworker --home /srv/hive"
    assert (found["ExecStart"], found["User"]) == (line, "ann")
    assert (found["KillMode"], found["Restart"]) == ("mixed", "always")
    assert found["ReadWritePaths"] == "/srv/hive"


def test_it_is_as_hardened_as_the_one_for_machines_set_up_by_hand():
    by_hand = settings((PROJECT / "deploy/systemd/hive-spore.service").read_text())
    kept = {"NoNewPrivileges", "ProtectSystem", "ProtectHome", "PrivateTmp", "UMask", "KillMode"}

    found = settings(unit())

    assert {name: found[name] for name in kept} == {name: by_hand[name] for name in kept}


@pytest.mark.parametrize("where", ["home", "python", "project"])
def test_whoever_lives_among_people_is_not_hidden_from_itself(where):
    assert settings(unit(**{where: "/home/ann/hive"}))["ProtectHome"] == "read-only"


def test_no_path_means_anything_to_systemd():
    found = settings(unit(home="/srv/100% mine"))

    assert found["ExecStart"].endswith("--home /srv/100%%\\x20mine")


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd-analyze here")
def test_systemd_takes_it(tmp_path):
    path = tmp_path / "hive-spore.service"
    path.write_text(unit(home=str(tmp_path), python="/bin/true"))

    checked = subprocess.run(
        ["systemd-analyze", "verify", path], capture_output=True, text=True, check=False
    )

    assert "Unknown" not in checked.stderr
