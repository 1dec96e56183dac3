"""Files of the stack that others read while it runs: whole or not there, for the owner only."""

import fcntl
import os
import secrets
import time
from pathlib import Path

import psutil

from hive_site.kernel.errors import Invalid

#: How long the Redis of a killed stack may take to close its files.
LEFTOVER_SECONDS = 10.0


def write_private(path: Path, text: str) -> None:
    """Put `text` into `path` in one step, readable by the owner only."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


class DataLock:
    """At most one stack for each data directory; the kernel frees it however the holder ends.

    Redis inherits it: after a kill -9 of the stack, the next one waits until that Redis closed
    its files too.
    """

    def __init__(self, data: Path) -> None:
        self._data = data
        self.descriptor = -1

    @property
    def held(self) -> bool:
        """Whether it is ours."""
        return self.descriptor >= 0

    def take(self) -> None:
        """Hold the lock. Raises `Invalid` if another stack uses the directory."""
        folder = self._data / "run"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            self._lock(descriptor)
        except BaseException:
            os.close(descriptor)
            raise
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        self.descriptor = descriptor

    def release(self) -> None:
        """Let others have the directory; safe to repeat."""
        if self.held:
            os.close(self.descriptor)
            self.descriptor = -1

    def _lock(self, descriptor: int) -> None:
        give_up_at = time.monotonic() + LEFTOVER_SECONDS
        while not _try_lock(descriptor):
            holder = os.pread(descriptor, 20, 0).decode().strip()
            alive = holder.isdigit() and psutil.pid_exists(int(holder))
            if alive or time.monotonic() > give_up_at:
                raise Invalid(
                    f"another Hive (pid {holder or 'unknown'}) runs on {self._data};"
                    " stop it first, or give another --data",
                    field="data",
                )
            time.sleep(0.05)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
