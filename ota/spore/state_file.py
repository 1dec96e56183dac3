"""The one file that says which release runs. It changes by a single rename."""

import os
from pathlib import Path

from hive_site.kernel.crash import crash_point
from hive_site.kernel.disk import sync_directory
from ota.domain.install.state import BadState, State, read_state
from ota.spore.log import tell

NAME = "state.json"
MODE = 0o600


class StateFile:
    """The state of a home, and the one before it."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME
        self._before = folder / f"{NAME}.bak"
        self._kept: State | None = None
        #: Why the newest state is not on the disk; empty if it is.
        self.fault = ""

    def load(self) -> tuple[State | None, str]:
        """The state, and what was wrong; None if there is none, or none that can be read."""
        faults = []
        for path in (self._path, self._before):
            try:
                return read_state(path.read_bytes()), "; ".join(faults)
            except FileNotFoundError:
                continue
            except (BadState, OSError) as fact:
                faults.append(f"{path}: {fact}")
        return None, "; ".join(faults)

    def keep(self, state: State) -> bool:
        """Save it unless it is; whether it is on the disk now. See `fault`."""
        if state == self._kept:
            return True
        try:
            self.save(state)
        except OSError as error:
            fault = f"the state of this home cannot be saved: {error.strerror or error}"
            if fault != self.fault:
                tell("state.unsaved", error=error)
            self.fault = fault
            return False
        self._kept, self.fault = state, ""
        return True

    def save(self, state: State) -> None:
        """Replace it whole; what was there before stays as the one before. Raises `OSError`."""
        crash_point("launcher.saving")
        fresh = self._path.with_suffix(".new")
        with open(fresh, "wb", opener=_open_private) as file:
            file.write(state.write())
            file.flush()
            os.fsync(file.fileno())
        crash_point("launcher.written")
        if self._path.exists():
            spare = self._path.with_suffix(".old")
            spare.unlink(missing_ok=True)
            os.link(self._path, spare)
            spare.replace(self._before)
        fresh.replace(self._path)
        sync_directory(self._path.parent)
        crash_point("launcher.saved")


def _open_private(path: str, flags: int) -> int:
    return os.open(path, flags, MODE)
