"""Small projects on a disk, and packages of them."""

import json
from pathlib import Path

from django.utils import timezone

from ota.building import Built, Wish, build
from ota.domain.requirements import header_of
from ota.domain.states import Channel
from ota.inspection import inspect_package

REQUIREMENTS = "bee==1.0\n"
LOCK = f"{header_of(REQUIREMENTS)}\nbee==1.0 \\\n    --hash=sha256:{'a' * 64}\n"
FILES = {
    "manage.py": "#!/usr/bin/env python\n",
    "pyproject.toml": '[project]\nname = "bees"\nrequires-python = ">=3.11"\n',
    "requirements.txt": REQUIREMENTS,
    "requirements.lock": LOCK,
    "app/__init__.py": "",
    "app/tasks.py": "print('bee')\n",
}


def write(root: Path, files: dict[str, str]) -> Path:
    """A directory with these files."""
    for name, text in files.items():
        place = root / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    return root


def wish(root: Path, *sources: Path, version="1.0", **more) -> Wish:
    """To build a project at `root`/project, which is made if it is not there."""
    project = root / "project"
    if not project.exists():
        write(project, FILES)
    return Wish(
        version=version,
        sources=sources,
        project=project,
        data=root / "data",
        kept_locks=root / "locks",
        **more,
    )


def built(root: Path, version="1.0", **files: str) -> Built:
    """A package of the small project with these files (a name's dots as `__`) beside."""
    made = wish(root, version=version)
    write(made.project, {name.replace("__", "."): text for name, text in files.items()})
    return build(made)


def package(root: Path, version="1.0", **files: str) -> Path:
    """The same as a file."""
    place = root / f"hive-{version}.zip"
    place.write_bytes(built(root, version, **files).data)
    return place


def sidecar(place: Path, number: int, *, signatures="good", **told) -> bytes:
    """What an operator signed for a package, for the fake desk."""
    found = inspect_package(place)
    now = timezone.now()
    custom = found.custom(channel=Channel.STABLE, seq=number, floor_seq=0, built=now)
    custom["hive"] |= told
    path = f"stable/hive-{number:06d}-{found.about.version}.zip"
    target = {"length": found.size, "hashes": {"sha256": found.sha256}, "custom": custom}
    return json.dumps({"signed": {"targets": {path: target}}, "signatures": signatures}).encode()
