"""What all sides run, as plain functions. The workers of peers import only this."""

import os
import time
from collections.abc import Callable
from typing import Any


def noop(item: Any) -> Any:
    """The same item: whatever it costs is not the task's."""
    return item


def sleep(seconds: float) -> None:
    """Take that long, and no CPU."""
    time.sleep(seconds)


def payload(size: int) -> str:
    """A result of about so many bytes."""
    return "x" * size


def clock(_item: Any) -> float:
    """When it was started, in Unix seconds of this machine."""
    return time.time()


def who(_item: Any) -> list[int]:
    """The process that runs it, and its parent; long enough for others to get some, too."""
    time.sleep(0.05)
    return [os.getpid(), os.getppid()]


#: Each length of sleep is a task of its own, as it would be in real use: the Hive learns how
#: long the items of a task take.
WORK: dict[str, Callable[[Any], Any]] = {
    "noop": noop,
    "sleep_10ms": sleep,
    "sleep_50ms": sleep,
    "sleep_200ms": sleep,
    "sleep_1s": sleep,
    "hold": sleep,
    "payload": payload,
    "clock": clock,
    "who": who,
}


def is_result(work: str, item: Any, result: Any) -> bool:
    """Whether the result is that of this item, and of no other."""
    match work:
        case "noop" | "payload":
            return bool(result == WORK[work](item))
        case "clock":
            return isinstance(result, float)
        case "who":
            return isinstance(result, list)
    return result is None
