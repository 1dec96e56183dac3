"""Locks: taken from the tree if they fit its requirements, else made by uv and kept.

`python -m ota.locking` writes the project's own (`make lock`).
"""

import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from ota.archive import Source
from ota.domain.requirements import (
    LOCK,
    REQUIREMENTS,
    BadLock,
    digest_requirements,
    header_of,
    is_lock_for,
    read_lock,
)
from ota.storage import keep_bytes

MAKE_SECONDS = 180
OPTIONS = ("--universal", "--generate-hashes", "--no-header", "--no-annotate", "--quiet")
#: The lowest version that a range admits is the one that must find everything.
LOWEST = re.compile(r">=\s*(3\.\d+)")


class NoLock(Exception):
    """There is none and none can be made, for the reason in the text."""


def find_lock(tree: Mapping[str, Source], *, python: str, kept: Path) -> bytes:
    """The lock of a tree: its own, or the one that is kept, or a new one, which is kept then.

    Raises `NoLock`, `BadLock`.
    """
    if REQUIREMENTS not in tree:
        raise NoLock(f"there is no {REQUIREMENTS}")
    requirements = read_text(tree[REQUIREMENTS].data, REQUIREMENTS)
    own = tree.get(LOCK)
    if own and is_lock_for(text := read_text(own.data, LOCK), requirements):
        read_lock(text)
        return own.data
    place = kept / f"{digest_requirements(requirements)}.lock"
    if not place.exists():
        text = make_lock(requirements, python=python)
        keep_bytes(place, text.encode())
    return place.read_bytes()


def make_lock(requirements: str, *, python: str) -> str:
    """A lock for any machine that these requirements admit. Raises `NoLock`, `BadLock`."""
    lowest = LOWEST.search(python)
    version = ("--python-version", lowest.group(1)) if lowest else ()
    found = _run_uv("pip", "compile", *OPTIONS, *version, "-", stdin=requirements)
    lock = f"{header_of(requirements)}\n{found}"
    read_lock(lock)
    return lock


def read_text(data: bytes, name: str) -> str:
    """The text of a file that should be one. Raises `BadLock`."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise BadLock(f"{name} is no UTF-8") from None


def _run_uv(*arguments: str, stdin: str) -> str:
    try:
        from uv import find_uv_bin

        done = subprocess.run(
            [find_uv_bin(), *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=MAKE_SECONDS,
            check=True,
        )
    except (ImportError, OSError) as fact:
        raise NoLock(f"uv does not run here: {fact}") from None
    except subprocess.TimeoutExpired:
        raise NoLock(f"uv took more than {MAKE_SECONDS} s") from None
    except subprocess.CalledProcessError as fact:
        raise NoLock(f"uv cannot make one: {_gist(fact.stderr)}") from None
    return done.stdout


def _gist(text: str) -> str:
    """What an error says in one line."""
    return " ".join(text.split())[:200]


def write_own_lock(project: Path) -> Path:
    """Make the lock of a project anew, beside its requirements."""
    requirements = (project / REQUIREMENTS).read_text()
    about = (project / "pyproject.toml").read_text()
    place = project / LOCK
    keep_bytes(place, make_lock(requirements, python=about).encode(), mode=0o644)
    return place


if __name__ == "__main__":
    try:
        write_own_lock(Path.cwd())
    except (NoLock, BadLock, OSError) as reason:
        sys.exit(f"requirements.lock was not written: {reason}")
