"""What must not run twice, and was begun by this Spore already.

A bundle is signed for one start of one node, and good for fifteen minutes. Whoever may write to
Redis can have it popped again in that time. Where a task may run twice that costs a moment's
work; for all others the Spore remembers, on its disk, because slots come and go.
"""

import itertools
import time
from contextlib import suppress
from pathlib import Path

import structlog

from jobs.wire import BUNDLE_TTL_SECONDS, Bundle

log = structlog.get_logger()
#: Longer than any bundle is good, though clocks may differ.
KEPT_SECONDS = 4 * BUNDLE_TTL_SECONDS
TIDY_AFTER = 200


class Begun:
    """A folder with an empty file for each bundle, which all slots of a Spore share."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._count = folder, itertools.count(1)

    def check(self, bundle: Bundle, incarnation: str) -> None:
        """Raises `ValueError` for what was begun before and must not run twice."""
        if not (bundle.idempotent or self._note(f"{incarnation}.{bundle.id}")):
            raise ValueError("it was begun before, and must not run twice")

    def _note(self, name: str) -> bool:
        """Whether it is the first time. So it is if it cannot be written down: without a disk
        such work would be done nowhere."""
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if next(self._count) % TIDY_AFTER == 0:
                self._tidy()
            (self._folder / name).touch(mode=0o600, exist_ok=False)
        except FileExistsError:
            return False
        except OSError as error:
            log.warning("begun.not_noted", bundle=name, error=str(error))
        return True

    def _tidy(self) -> None:
        oldest = time.time() - KEPT_SECONDS
        for path in self._folder.iterdir():
            with suppress(FileNotFoundError):  # another slot tidies too
                if path.stat().st_mtime < oldest:
                    path.unlink()
