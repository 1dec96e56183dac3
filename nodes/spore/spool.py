"""Reports that could not be sent, on disk until they can: each a file, the oldest first."""

import itertools
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SUFFIX = ".report"


@dataclass(frozen=True, slots=True)
class Spooled:
    """One signed report. `done` names the bundle that it ends, if it ends one."""

    path: Path
    envelope: bytes
    done: str | None


class Spool:
    """A folder that agent and slots of one Spore share; it outlives all of them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = itertools.count()

    @property
    def folder(self) -> Path:
        """Where it is; it may not be there yet."""
        return self._folder

    def put(self, envelope: bytes, *, done: str | None) -> Path:
        """Keep a report; it is on the disk when this returns, and there until it was sent.

        Raises `OSError`, as if full.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = f"{time.time_ns():020d}-{os.getpid()}-{next(self._numbers)}"
        unfinished = self._folder / name
        try:
            with unfinished.open("wb") as file:
                file.write(f"{done or ''}\n".encode() + envelope)
                file.flush()
                os.fsync(file.fileno())
            return unfinished.replace(unfinished.with_suffix(SUFFIX))
        except OSError:
            unfinished.unlink(missing_ok=True)
            raise

    def __iter__(self) -> Iterator[Spooled]:
        """What waits. Files that were never finished are left out."""
        try:
            names = sorted(entry.name for entry in os.scandir(self._folder))
        except FileNotFoundError:
            return
        for name in names:
            if name.endswith(SUFFIX):
                done, _, envelope = (self._folder / name).read_bytes().partition(b"\n")
                yield Spooled(self._folder / name, envelope, done.decode() or None)

    def drop(self, spooled: Spooled) -> None:
        """A report was sent."""
        spooled.path.unlink(missing_ok=True)
