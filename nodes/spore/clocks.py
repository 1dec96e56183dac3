"""The clock by which silence is measured."""

import time


def boot_clock() -> float:
    """Seconds that go on while the machine sleeps, unlike the monotonic clock's."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))
