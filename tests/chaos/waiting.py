"""Waiting on conditions, never on time."""

import os
import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")
LOOK_EVERY_SECONDS = 0.02
DEFAULT_CHAOS_SECONDS = 180.0


def chaos_seconds() -> float:
    """How long the long tests go on: HIVE_CHAOS_SECONDS, or three minutes."""
    return float(os.environ.get("HIVE_CHAOS_SECONDS") or DEFAULT_CHAOS_SECONDS)


def until(look: Callable[[], Found], *, within: float, what: str) -> Found:
    """The first true answer of `look`. Fails with `what` after so many seconds."""
    give_up_at = time.monotonic() + within
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > give_up_at:
            raise AssertionError(f"{what}: not within {within:.0f} s (saw {found!r})")
        time.sleep(LOOK_EVERY_SECONDS)


def always(look: Callable[[], bool], *, seconds: float, what: str) -> None:
    """Fails with `what` as soon as `look` is false within so many seconds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if not look():
            raise AssertionError(f"{what}: no more")
        time.sleep(LOOK_EVERY_SECONDS * 5)
