"""When a job will have ended, by how fast its subtasks end."""

from collections import deque
from dataclasses import dataclass, field

#: The pace is that of the last so many seconds.
WINDOW_SECONDS = 30.0
#: A shorter look at a job says nothing of its pace.
LEAST_SECONDS = 3.0


@dataclass
class Progress:
    """How many subtasks of a job had ended when it was looked at, lately."""

    seen: deque[tuple[float, int]] = field(default_factory=deque)

    def note(self, ended: int, *, at: float) -> None:
        """So many had ended at a moment, in Unix seconds."""
        if self.seen and ended < self.seen[-1][1]:
            self.seen.clear()  # some were given another chance
        self.seen.append((at, ended))
        while at - self.seen[0][0] > WINDOW_SECONDS:
            self.seen.popleft()


def estimate(progress: Progress, *, total: int, started_at: float | None) -> float | None:
    """Seconds until all subtasks will have ended; None if nobody can say.

    At the pace of late; at the mean pace since the start while nothing ended lately.
    """
    if not progress.seen:
        return None
    (first_at, before), (now, ended) = progress.seen[0], progress.seen[-1]
    if ended >= total:
        return 0.0
    pace = _pace(ended - before, now - first_at)
    if pace is None and started_at is not None:
        pace = _pace(ended, now - started_at)
    return None if pace is None else round((total - ended) / pace, 1)


def _pace(ended: int, seconds: float) -> float | None:
    return ended / seconds if ended > 0 and seconds >= LEAST_SECONDS else None
