"""What a process does as soon as it is told to end."""

import signal
import threading
from collections.abc import Callable
from types import FrameType


def before_exit(act: Callable[[], object]) -> None:
    """Call `act` at SIGTERM and SIGINT, before whoever heeds them. It runs between any two lines.

    Does nothing for a signal that nobody in Python heeds, or if this is not the main thread.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    for signum in (signal.SIGTERM, signal.SIGINT):
        heeds = signal.getsignal(signum)
        if callable(heeds):
            signal.signal(signum, _chain(act, heeds))


def _chain(
    act: Callable[[], object], then: Callable[[int, FrameType | None], object]
) -> Callable[[int, FrameType | None], None]:
    def heed(signum: int, frame: FrameType | None) -> None:
        act()
        then(signum, frame)

    return heed
