"""Who works on a data directory: Nexus and Foreman as long as they run, or a restore alone."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from hive_site.kernel.errors import Conflict

LOCK = "run/in-use"
#: What a restore is about to put in place, and the list of it, written when all of it is there.
STAGING, LIST = ".restoring", ".complete"
_held: dict[Path, int] = {}


def occupy(data: Path) -> None:
    """Let nobody restore into the directory as long as this process lives. Safe to repeat.

    Raises `ImproperlyConfigured` while somebody does, or if a restore broke off.
    """
    if data in _held:
        return
    try:
        descriptor = _open(data)
    except OSError:  # what cannot be written here cannot be restored here either
        return
    if not _lock(descriptor, fcntl.LOCK_SH):
        os.close(descriptor)
        raise ImproperlyConfigured(f"a backup is being restored into {data}; wait until it is done")
    if is_half_restored(data):
        os.close(descriptor)
        way = "`hive restore` on it finishes that"
        raise ImproperlyConfigured(f"a restore into {data} broke off; {way}")
    _held[data] = descriptor


@contextmanager
def alone(data: Path) -> Iterator[None]:
    """Nobody else works on the directory meanwhile. Raises `Conflict` if anybody does."""
    descriptor = _open(data)
    try:
        if not _lock(descriptor, fcntl.LOCK_EX):
            way = "stop them first, or give another --data"
            raise Conflict(f"a Nexus or a Foreman runs on {data}; {way}")
        yield
    finally:
        os.close(descriptor)


def is_half_restored(data: Path) -> bool:
    """Whether a restore broke off while it put things in place."""
    return (data / STAGING / LIST).exists()


def _open(data: Path) -> int:
    path = data / LOCK
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _lock(descriptor: int, how: int) -> bool:
    try:
        fcntl.flock(descriptor, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
