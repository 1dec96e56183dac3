"""Which items take so much longer than others of their task that a second copy is worth it."""

from dataclasses import dataclass

from jobs.domain.backlog import Line
from jobs.domain.bundles import Pace

#: An item is a straggler once it runs so many times longer than 95 of 100 others.
FACTOR = 2.0
#: Shorter runs are over before a copy could win.
LEAST_SECONDS = 2.0
#: Of a task of which fewer items were measured nobody knows what is usual.
ENOUGH = 5


@dataclass(frozen=True, slots=True)
class Run:
    """An attempt that a node's slot works on, for so many seconds."""

    attempt: int
    node: str
    seconds: float


def is_in_tail(line: Line) -> bool:
    """Whether everything of the job was sent, so that who comes last holds up its end."""
    idle = line.exhausted and not (line.ready or line.later)
    return idle and line.in_flight > 0 and not (line.held or line.stopped)


def limit(pace: Pace, task: str) -> float | None:
    """Seconds after which an item of the task is a straggler; None if nobody knows."""
    usual = pace.slowest(task) if pace.measured(task) >= ENOUGH else None
    return None if usual is None else max(FACTOR * usual, LEAST_SECONDS)


def because(run: Run, pace: Pace, task: str) -> str:
    """Why a second copy is sent, for people."""
    usual = pace.slowest(task) or 0.0
    return f"second copy: the first ran {run.seconds:.1f} s on {run.node}, most take {usual:.1f} s"
