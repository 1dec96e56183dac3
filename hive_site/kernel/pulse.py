"""Signs of life on disk, for whoever looks after a process from beside it.

A container's health check and a pod's probe cannot ask a process that listens on no port. Where
HIVE_PULSE names a file, Foreman and Spore write there what they are about, again and again.
"""

import json
import os
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

SECONDS_BETWEEN = 1.0


@dataclass(frozen=True, slots=True)
class Sign:
    """What a process last said, `at` a moment of the machine's steady clock in seconds.

    `works`: it does what it is there for, or stands by to do it.
    """

    state: str
    works: bool
    at: float


class Pulse:
    """Leaves signs in a file, one a second while nothing changes; without a file, none."""

    def __init__(self, path: Path | None) -> None:
        self._path, self._said, self._next_at = path, "", 0.0

    def beat(self, state: str, *, works: bool = True) -> None:
        """Say what this process is about. A full disk is no reason to stop."""
        now = time.monotonic()
        if self._path is None or (state == self._said and now < self._next_at):
            return
        self._said, self._next_at = state, now + SECONDS_BETWEEN
        draft = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        with suppress(OSError):
            draft.write_text(json.dumps({"state": state, "works": works, "at": now}))
            draft.replace(self._path)


#: Nobody looks.
SILENT = Pulse(None)


def read_sign(path: Path) -> Sign | None:
    """The newest sign in a file; None if there is none that makes sense."""
    try:
        said = json.loads(path.read_text())
        return Sign(str(said["state"]), bool(said["works"]), float(said["at"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
