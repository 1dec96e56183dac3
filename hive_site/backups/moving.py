"""Puts what was restored in the place of what is there: staged, listed, then renamed.

Renames are quick, but several. Whoever comes after a power cut in between finds the list, and
finishes; until then nothing starts on the directory (hive_site/occupied.py).
"""

import json
import os
import shutil
from datetime import datetime
from pathlib import Path

from hive_site.backups.manifest import FOLDERS
from hive_site.configuration import SQLITE_FILE
from hive_site.kernel.disk import replace_file, sync_directory, sync_tree
from hive_site.kernel.errors import Conflict
from hive_site.occupied import LIST, STAGING

#: What is about the machine and not about the Hive, and stays.
LEFT = {"run", "logs", "static", "lost+found"}
#: What settings make in a directory where there is nothing.
MADE = {"secret_key", "fleet_key", "webhook_secret"}
REPLACED = ".replaced-"


def is_fresh(data: Path) -> bool:
    """Whether nothing is there but what any command makes in an empty directory."""
    for path in _contents(data):
        if path.name == "secrets":
            if {each.name for each in path.iterdir()} - MADE:
                return False
        elif not path.name.startswith(SQLITE_FILE) or path.stat().st_size:
            return False
    return True


def check_movable(data: Path) -> None:
    """Raises `Conflict` for what cannot be moved aside: found out in the middle, it would leave the
    directory half restored."""
    for path in _contents(data):
        if path.is_mount() or (path.is_dir() and not os.access(path, os.W_OK)):
            way = "move it away yourself, or give another --data"
            reason = "is a disk of its own" if path.is_mount() else "belongs to somebody else"
            raise Conflict(f"{path} {reason}; {way}")


def clear_staging(data: Path) -> Path:
    """An empty directory to put things into, on the same disk."""
    staging = data / STAGING
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(mode=0o700, parents=True)
    return staging


def move_in(data: Path, *, keep_old: bool, now: datetime) -> Path | None:
    """Replace what is there by what was staged; where the old things lie, if they are kept."""
    staging = data / STAGING
    names = sorted(path.name for path in staging.iterdir() if path.name != LIST)
    old = f"{REPLACED}{now:%Y%m%d-%H%M%S}"
    sync_tree(staging)
    about = {"names": names, "old": old, "keep_old": keep_old}
    replace_file(staging / LIST, json.dumps(about).encode())
    return finish(data)


def finish(data: Path) -> Path | None:
    """Do what the list says, or what is left of it; where the old things lie, if they are kept."""
    staging = data / STAGING
    about = json.loads((staging / LIST).read_bytes())
    old: Path = data / about["old"]
    old.mkdir(mode=0o700, exist_ok=True)
    for path in _contents(data):
        # What is no longer among the staged is in its place already.
        if path.name not in about["names"] or (staging / path.name).exists():
            path.rename(old / path.name)
    for name in about["names"]:
        if (staging / name).exists():
            (staging / name).rename(data / name)
    sync_directory(data)
    (staging / LIST).unlink()
    shutil.rmtree(staging)
    if about["keep_old"]:
        return old
    shutil.rmtree(old)
    return None


def hand_over(data: Path) -> None:
    """What root restored belongs to whom the directory belongs, or a service could not read it."""
    owner = data.stat()
    if os.geteuid() == 0 and owner.st_uid != 0:
        for name in (*FOLDERS, SQLITE_FILE, "run"):
            for path in (data / name, *(data / name).rglob("*")):
                if path.exists():
                    os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)


def _contents(data: Path) -> list[Path]:
    """What there is of a Hive."""
    found = (path for path in data.iterdir() if path.name not in LEFT)
    return [path for path in found if not path.name.startswith((STAGING, REPLACED, ".backup-"))]
