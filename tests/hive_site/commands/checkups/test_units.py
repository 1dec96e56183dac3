import pytest

from hive_site.commands.checkups.units import check_unit, check_units
from hive_site.configuration import PROJECT

UNIT = (PROJECT / "deploy" / "systemd" / "hive-spore.service").read_text()


def test_the_unit_of_this_project_is_fine():
    assert check_unit("hive-spore.service", UNIT).verdict == "ok"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("KillMode=mixed", ""),
        ("KillMode=mixed", "KillMode=control-group"),
        ("Restart=always", "Restart=on-failure"),
        ("Restart=always", "# Restart=always"),
        ("TimeoutStopSec=20", "TimeoutStopSec=5"),
    ],
)
def test_a_stop_that_fails_what_runs_is_bad(old, new):
    finding = check_unit("hive-spore.service", UNIT.replace(old, new))

    assert finding.verdict == "bad"
    assert finding.mend


def test_units_of_others_are_none_of_our_business_and_none_comes_twice(tmp_path):
    for folder in ("etc", "lib"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "hive-spore.service").write_text(UNIT)
        (tmp_path / folder / "ssh.service").write_text("[Service]\nExecStart=/usr/sbin/sshd\n")

    found = list(check_units([tmp_path / "etc", tmp_path / "lib", tmp_path / "none"]))

    assert [each.name for each in found] == ["hive-spore.service"]
