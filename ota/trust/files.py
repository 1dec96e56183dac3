"""The Nexus's metadata on its disk: several files that change as one.

What a change writes is put into a journal first, in one rename. Whoever comes next after a crash
finds the journal and finishes it: there is never half a change.
"""

import fcntl
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from hive_site.kernel.disk import replace_file, sync_directory
from hive_site.kernel.errors import NotFound

JOURNAL = "journal.json"
LOCK = ".lock"


class MetadataFiles:
    """Metadata in a directory. All methods but `locked` are for within a lock."""

    def __init__(self, folder: Path, forget: Callable[[Sequence[str]], None]) -> None:
        self.folder, self._forget = folder, forget

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Nobody else reads or writes; what a crash left unfinished is finished."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self.folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            self._finish()
            yield
        finally:
            os.close(descriptor)

    def read(self, name: str) -> bytes:
        """A file. Raises `NotFound`."""
        try:
            return (self.folder / name).read_bytes()
        except FileNotFoundError:
            way = "`hive up` or the Foreman makes the first metadata"
            raise NotFound(f"{self.folder / name} is not there; {way}") from None

    def root_versions(self) -> list[int]:
        """The versions of the root, oldest first."""
        stems = (path.name.split(".")[0] for path in self.folder.glob("*.root.json"))
        return sorted(int(stem) for stem in stems if stem.isdigit())

    def commit(self, files: Mapping[str, bytes], forget: Sequence[str] = ()) -> None:
        """Write all of these files, in this order, then delete the keys with these ids."""
        texts = {name: data.decode() for name, data in files.items()}
        journal = json.dumps({"files": texts, "forget": list(forget)})
        replace_file(self.folder / JOURNAL, journal.encode())
        self._finish()

    def _finish(self) -> None:
        path = self.folder / JOURNAL
        if not path.exists():
            return
        journal = json.loads(path.read_bytes())
        for name, text in journal["files"].items():
            replace_file(self.folder / name, text.encode())
        # Keys last: as long as the metadata could still be the old ones, they are needed.
        self._forget(journal["forget"])
        path.unlink()
        sync_directory(self.folder)
