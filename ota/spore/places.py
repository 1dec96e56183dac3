"""Where everything of updates lies below a node's home."""

import json
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from hive_site.kernel.disk import sync_directory

READY = "READY"


@dataclass(frozen=True, slots=True)
class Places:
    """The directories and files of one home. None of them has to exist."""

    home: Path

    @property
    def root(self) -> Path:
        """Everything of updates."""
        return self.home / "ota"

    @property
    def lock(self) -> Path:
        """Held by the one stager, or the one clean-up, of this home."""
        return self.root / "stager.lock"

    @property
    def trust(self) -> Path:
        """The pinned root and the metadata that it vouches for."""
        return self.root / "trust"

    @property
    def packages(self) -> Path:
        """Whole packages, and begun ones (`.part`)."""
        return self.root / "packages"

    @property
    def staging(self) -> Path:
        """What is being made: a directory for each attempt."""
        return self.root / "staging"

    @property
    def releases(self) -> Path:
        """Releases by their slots; those that are complete have READY."""
        return self.root / "releases"

    @property
    def environments(self) -> Path:
        """Virtual environments; those that are complete have READY."""
        return self.root / "venvs"

    @property
    def wheels(self) -> Path:
        """Wheels for an environment that is being built, by its lock."""
        return self.root / "wheels"

    def current(self) -> str:
        """The slot that the link `current` points into; empty if there is none."""
        try:
            return (self.root / "current").readlink().parent.name
        except OSError:
            return ""


def slot_of(*, channel: str, seq: int, sha256: str) -> str:
    """A release's directory, the same on every node."""
    return f"{channel}-{seq:06d}-{sha256[:12]}"


def entries(folder: Path) -> Iterator[Path]:
    """What a directory holds, by name; nothing if it is not there."""
    yield from sorted(folder.iterdir()) if folder.is_dir() else ()


def read_ready(folder: Path, lock_sha256: str = "") -> str:
    """The Python of a complete environment (for this lock, if one is given); empty if it is not."""
    try:
        facts = json.loads((folder / READY).read_bytes())
        python, made_for = str(facts["python"]), str(facts["lock_sha256"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    return python if lock_sha256 in ("", made_for) else ""


def discard(path: Path) -> None:
    """Delete a file or a tree. A kill in between leaves nothing that counts as complete."""
    if path.is_symlink() or not path.is_dir():
        path.unlink(missing_ok=True)
        return
    ready = path / READY
    if ready.exists():
        ready.unlink()
        sync_directory(path)
    shutil.rmtree(path)


def point_current(home: Path, tree: str) -> None:
    """Let the link `current` say which code runs. For people; nobody follows it."""
    link = Places(home).root / "current"
    fresh = link.with_suffix(".new")
    with suppress(OSError):
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(tree)
        fresh.replace(link)
