"""A bell that threads and signals ring to wake whoever waits on a selector."""

import os
from contextlib import suppress


class Bell:
    """`ring` makes it readable, `quiet` silences it."""

    def __init__(self) -> None:
        self._ear, self._clapper = os.pipe()
        for end in (self._ear, self._clapper):
            os.set_blocking(end, False)

    def fileno(self) -> int:
        """What a selector watches."""
        return self._ear

    def ring(self) -> None:
        """Wake whoever waits; nothing if it rings already. Safe in a signal handler."""
        with suppress(BlockingIOError):
            os.write(self._clapper, b"!")

    def quiet(self) -> None:
        """Nobody needs to be woken any more."""
        with suppress(BlockingIOError):
            os.read(self._ear, 4096)
