import hashlib
import json

import pytest

from hive_site.kernel.errors import Conflict, Invalid
from ota.models import Home
from ota.services.publishing import publish
from tests.ota.commands.verbs import run
from tests.ota.projects import FILES, package, write


@pytest.fixture
def project(nexus_data, tmp_path, settings, monkeypatch):
    """A small project in place of this one; the command runs in a directory beside it."""
    settings.BASE_DIR = write(tmp_path / "project", FILES)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return settings.BASE_DIR


def built(capsys, *arguments) -> dict:
    assert run("build", "--json", *arguments) == 0
    return json.loads(capsys.readouterr().out)


def test_it_writes_a_package_and_says_what_is_in_it(db, project, tmp_path, capsys):
    told = built(capsys, "--version", "1.2.0")

    data = (tmp_path / "here" / "hive-1.2.0.zip").read_bytes()
    assert told["path"] == "hive-1.2.0.zip"
    assert (told["size"], told["sha256"]) == (
        len(data),
        hashlib.sha256(data).hexdigest(),
    )
    assert told["files"] == len(FILES) + 1
    assert told["differs"] == {"against": "0.1.0", "added": 0, "removed": 0, "changed": 0}
    assert not [p for p in (tmp_path / "here").iterdir() if p.name.startswith(".")]


def test_people_are_told_the_same(db, project, capsys):
    assert run("build", "--version", "1.2.0", "--no-lock") == 0

    told = capsys.readouterr().out
    assert "hive-1.2.0.zip" in told
    assert "against 0.1.0, which runs: 0 added, 0 removed, 0 changed" in told
    assert "no lock: it was not wanted; nodes take it only if" in told


def test_building_again_is_the_same_file_though_it_lies_in_the_project(
    db, project, capsys, monkeypatch
):
    monkeypatch.chdir(project)

    assert built(capsys, "--version", "1") == built(capsys, "--version", "1")


def test_another_file_is_not_overwritten_unless_that_is_wanted(db, project, tmp_path, capsys):
    out = tmp_path / "a.zip"
    out.write_bytes(b"precious")

    with pytest.raises(Conflict, match="give --force"):
        run("build", "--version", "1", "--out", out)

    assert out.read_bytes() == b"precious"
    built(capsys, "--version", "1", "--out", out, "--force")
    assert out.read_bytes() != b"precious"


@pytest.mark.parametrize("out", ["nowhere/a.zip", "."])
def test_a_place_that_is_none_is_named(db, project, out):
    with pytest.raises((Invalid, Conflict), match=r"out|\. is there"):
        run("build", "--version", "1", "--out", out)


def test_differences_are_those_to_the_release_that_most_nodes_run(desk, project, tmp_path, capsys):
    row = publish(package(tmp_path / "old", "0.9", gone__py=""), channel="dev", who="ann")
    for number, active in enumerate([row.sha256, row.sha256, ""]):
        Home.objects.create(node=f"spore-{number}", active=active)
    write(tmp_path, {"new.py": ""})

    told = built(capsys, "--version", "1", "--source", tmp_path / "new.py")

    assert told["differs"] == {"against": "0.9", "added": 1, "removed": 1, "changed": 0}


def test_tasks_can_be_named(db, project, capsys):
    told = built(capsys, "--version", "1", "--tasks", "app.tasks", "--tasks", "app")

    assert told["task_modules"] == ["app.tasks", "app"]
