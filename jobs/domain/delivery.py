"""When a webhook is sent again, and when nobody tries any more."""

from enum import StrEnum
from random import Random

#: Seconds until the next try after the first, the second, …; then it has failed.
BACKOFF_SECONDS = (5.0, 30.0, 120.0, 600.0, 3600.0, 6 * 3600.0, 24 * 3600.0)
#: So that receivers that come back are not met by everybody at once.
JITTER = 0.2
#: The receiver wants no more of it (Standard Webhooks).
GONE = 410


class DeliveryState(StrEnum):
    """What became of telling somebody that a job ended."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


def is_delivered(status: int | None) -> bool:
    """Whether an HTTP status says that the receiver has it."""
    return status is not None and 200 <= status < 300


def next_try(
    tries: int, status: int | None, *, retry_after: float | None, random: Random
) -> float | None:
    """The seconds until the next try, after `tries` of them; None if there is none.

    `status` is what the receiver answered, None if it did not. What it asks for counts if it is
    longer than our own patience.
    """
    if status == GONE or tries > len(BACKOFF_SECONDS):
        return None
    wait = BACKOFF_SECONDS[tries - 1] * random.uniform(1 - JITTER, 1 + JITTER)
    return max(wait, retry_after or 0.0)
