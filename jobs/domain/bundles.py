"""How many items travel together. Aim at 50 ms of work, and let the tail spread."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from nodes.domain.placement import DEEPEST

#: Two such bundles lie on a slot at most: so long a newcomer of equal rank waits for them.
TARGET_SECONDS = 0.05
SHORT_SECONDS = 0.2
#: A slot is through with such a bundle before a busy Foreman comes round with another one.
TINY_SECONDS = 0.0025
MAX_ITEMS = 500
MAX_BYTES = 192 * 1024
#: Weight of the newest measurement in the moving average.
ALPHA = 0.3
#: So many of the newest single measurements are kept of each task.
KEPT = 200


@dataclass(slots=True)
class Pace:
    """How long one item of each task takes, in seconds: a moving average, and the slow ones."""

    _seconds: dict[str, float] = field(default_factory=dict)
    _samples: dict[str, deque[float]] = field(default_factory=dict)

    def learn(self, task: str, seconds: float) -> None:
        """Take a measurement in; one per report, as the mean of its items."""
        known = self._seconds.get(task)
        self._seconds[task] = seconds if known is None else known + ALPHA * (seconds - known)

    def of(self, task: str) -> float | None:
        """Seconds an item takes, or None if the task was never seen."""
        return self._seconds.get(task)

    def sample(self, task: str, seconds: Iterable[float]) -> None:
        """Take measurements of single items in; the newest ones count."""
        self._samples.setdefault(task, deque(maxlen=KEPT)).extend(seconds)

    def measured(self, task: str) -> int:
        """How many single items `slowest` rests on."""
        return len(self._samples.get(task, ()))

    def slowest(self, task: str) -> float | None:
        """Seconds within which 95 of 100 items of the task end; None if it was never seen."""
        ranked = sorted(self._samples.get(task, ()))
        return ranked[-(-len(ranked) * 95 // 100) - 1] if ranked else None


def size(
    *,
    seconds: float | None,
    remaining: int,
    slots: int,
    alone: bool,
    target: float = TARGET_SECONDS,
) -> int:
    """How many of `remaining` items the next bundle gets; at least 1.

    `target` is how many seconds of work it should hold; with 0 every item travels alone. An
    unknown task starts with 1. Never more than remaining / (2 × slots), so that the last
    items of a job are spread over all slots.
    """
    if alone or seconds is None:
        return 1
    wanted = int(target / max(seconds, 1e-6))
    spread = -(-remaining // (2 * max(slots, 1)))
    return max(1, min(wanted, spread, MAX_ITEMS))


def shortness(*, seconds: float | None, items: int) -> int:
    """How many bundles like this may wait behind each slot of a node; 0 if it is long.

    Of those that take next to no time several: a slot is through with one before the next comes.
    """
    if seconds is None or seconds * items >= SHORT_SECONDS:
        return 0
    return DEEPEST if seconds * items <= TINY_SECONDS else 1
