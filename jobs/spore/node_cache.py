"""Stored values that this node fetched, on its disk: the least recently used go first.

All slots of a Spore share the folder, and any of them may die at any moment: files are whole or
not there, and one that is gone is fetched again.
"""

import hashlib
import os
import secrets
import time
from contextlib import suppress
from pathlib import Path

import structlog

log = structlog.get_logger()
UNFINISHED = ".new-"
#: Nobody takes longer to write one.
STALE_SECONDS = 3600.0
#: After so much of its limit was added by one slot, it looks at how much there is.
LOOK_AFTER_SHARE = 0.05


class NodeCache:
    """A folder of at most about `max_bytes`. It never raises: it is only a cache."""

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self._folder, self._max_bytes = folder, max_bytes
        # The first look is soon: an earlier slot may have left much.
        self._until_look = 0.0

    def get(self, sha256: str) -> bytes | None:
        """The value, if it is here and whole."""
        path = self._path(sha256)
        try:
            data = path.read_bytes()
            if hashlib.sha256(data).hexdigest() != sha256:
                log.warning("cache.broken", sha256=sha256)
                path.unlink(missing_ok=True)
                return None
            os.utime(path)
        except OSError:
            return None
        return data

    def put(self, sha256: str, data: bytes) -> None:
        """Keep a value, if it fits."""
        if len(data) > self._max_bytes:
            return
        path = self._path(sha256)
        draft = path.with_name(f"{UNFINISHED}{os.getpid()}-{secrets.token_hex(4)}")
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            draft.write_bytes(data)
            draft.replace(path)
        except OSError as error:
            log.warning("cache.full", error=str(error))
            _drop(draft)
            self._until_look = 0.0
        self._until_look -= len(data)
        if self._until_look < 0:
            self._until_look = self._max_bytes * LOOK_AFTER_SHARE
            self._shrink()

    def _path(self, sha256: str) -> Path:
        return self._folder / sha256[:2] / sha256

    def _shrink(self) -> None:
        """Delete what was not used for the longest time, until there is room again."""
        files, held, now = [], 0, time.time()
        for path in self._folder.glob("??/*"):
            try:
                facts = path.stat()
            except OSError:  # another slot deleted it
                continue
            if path.name.startswith(UNFINISHED):
                if now - facts.st_mtime > STALE_SECONDS:
                    _drop(path)
                continue
            files.append((facts.st_mtime, facts.st_size, path))
            held += facts.st_size
        for _, size, path in sorted(files):
            if held <= self._max_bytes:
                return
            _drop(path)
            held -= size


def _drop(path: Path) -> None:
    """Delete a file; if that is not possible, the folder is larger than it should be."""
    with suppress(OSError):
        path.unlink()
