"""Releases for tests: a copy of the project that they change, packed and published."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

from tests.end_to_end.colony import PROJECT, Colony

#: What a project is made of; nobody needs its tests to run it.
FOLDERS = ("hive_site", "jobs", "nodes", "ota", "templates")
FILES = ("manage.py", "pyproject.toml", "requirements.txt", "requirements.lock")
DEMO = Path("jobs/tasks/demo.py")


class Project:
    """A copy of the project."""

    def __init__(self, place: Path) -> None:
        self.place = place
        for name in FOLDERS:
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(PROJECT / name, place / name, ignore=ignored)
        for name in FILES:
            shutil.copy(PROJECT / name, place / name)

    def append(self, path: Path, text: str) -> None:
        (self.place / path).write_text((self.place / path).read_text() + text)

    def edit(self, path: Path, old: str, new: str) -> None:
        text = (self.place / path).read_text()
        assert old in text
        (self.place / path).write_text(text.replace(old, new))

    def build(self, colony: Colony, version: str, folder: Path) -> Path:
        """Pack it."""
        package = folder / f"{version}.zip"
        build = ("--version", version, "--source", str(self.place), "--out", str(package))
        ran = colony.manage("ota", "build", *build)
        assert ran.returncode == 0, ran.stderr
        return package

    def publish(self, colony: Colony, version: str, folder: Path) -> None:
        """Pack it and take it in."""
        ran = colony.manage("ota", "publish", str(self.build(colony, version, folder)))
        assert ran.returncode == 0, ran.stderr


def publish_note(colony: Colony, version: str, folder: Path) -> None:
    """Take in a release that has one module more than the project, which nobody needs."""
    note, package = folder / "note.py", folder / f"{version}.zip"
    note.write_text('"""Nothing but a note."""\n')
    build = ("build", "--version", version, "--source", str(note), "--out", str(package))
    for argv in (build, ("publish", str(package))):
        ran = colony.manage("ota", *argv)
        assert ran.returncode == 0, ran.stderr


def roll_out(
    colony: Colony, version: str, *options: str
) -> tuple[dict[str, Any], subprocess.CompletedProcess[str]]:
    """What `ota rollout` said, and how it ended."""
    ran = colony.manage("ota", "rollout", version, "--wait", "100", "--json", *options)
    return json.loads(ran.stdout), ran


def releases(colony: Colony) -> set[str]:
    """What nodes say that they run."""
    return {node["release"] for node in colony.nodes().values()}
