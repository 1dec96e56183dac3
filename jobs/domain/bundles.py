"""How many items travel together. Aim at 100 ms of work, and let the tail spread."""

from dataclasses import dataclass, field

TARGET_SECONDS = 0.1
SHORT_SECONDS = 0.2
MAX_ITEMS = 500
MAX_BYTES = 192 * 1024
#: Weight of the newest measurement in the moving average.
ALPHA = 0.3


@dataclass(slots=True)
class Pace:
    """Moving averages of how long one item of each task takes, in seconds."""

    _seconds: dict[str, float] = field(default_factory=dict)

    def learn(self, task: str, seconds: float) -> None:
        """Take a measurement in; one per report, as the mean of its items."""
        known = self._seconds.get(task)
        self._seconds[task] = seconds if known is None else known + ALPHA * (seconds - known)

    def of(self, task: str) -> float | None:
        """Seconds an item takes, or None if the task was never seen."""
        return self._seconds.get(task)


def size(*, seconds: float | None, remaining: int, slots: int, alone: bool) -> int:
    """How many of `remaining` items the next bundle gets; at least 1.

    An unknown task starts with 1. Never more than remaining / (2 × slots), so that the last
    items of a job are spread over all slots.
    """
    if alone or seconds is None:
        return 1
    wanted = int(TARGET_SECONDS / max(seconds, 1e-6))
    spread = -(-remaining // (2 * max(slots, 1)))
    return max(1, min(wanted, spread, MAX_ITEMS))


def is_short(*, seconds: float | None, items: int) -> bool:
    """Whether a bundle is short enough to wait behind another one on its node."""
    return seconds is not None and seconds * items < SHORT_SECONDS
