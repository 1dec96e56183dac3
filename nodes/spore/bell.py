"""A bell that threads and signals ring to wake whoever waits on a selector."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress


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

    @contextmanager
    def rung_by_signals(self, on_stop: Callable[[int, object], None]) -> Iterator[None]:
        """Meanwhile children that end ring it, and SIGTERM and SIGINT, which call `on_stop` from
        now on."""
        for signum in (signal.SIGTERM, signal.SIGINT):
            signal.signal(signum, on_stop)
        children_before = signal.signal(signal.SIGCHLD, _wake)
        wakes_before = signal.set_wakeup_fd(self._clapper, warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(wakes_before)
            signal.signal(signal.SIGCHLD, children_before)

    def leave_behind(self) -> None:
        """In a forked child: it is the parent's bell, and signals of ours do not ring it."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.close(self._ear)
        os.close(self._clapper)


def _wake(signum: int, frame: object) -> None:
    """What nobody handles wakes nobody."""
