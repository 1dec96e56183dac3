"""What waits, as those see it who decide how many nodes there should be."""

from collections import Counter
from dataclasses import replace
from datetime import datetime

from jobs.domain.backlog import Line, Order
from jobs.domain.bundles import Pace
from jobs.domain.limits import Limiter
from jobs.memory import Memory
from nodes.domain.scaling_loads import Want


def read_wants(memory: Memory, pace: Pace, limiter: Limiter, now: datetime) -> list[Want]:
    """Everything that could run now if there were room: not what is paused, waits for its retry
    or for an equal subtask, or is held back by a limit of its task."""
    stamp = now.timestamp()
    orders: dict[object, Order] = {}
    counts: Counter[object] = Counter()
    since: dict[object, float] = {}
    # There may be thousands of lines, once a second.
    for line in memory.backlog.lines():
        count = count_waiting(line)
        if count <= 0:
            continue
        order = line.order.of(reduce=is_reducing(line))
        key = line.standing.lane or (order.task, order.demand)
        orders.setdefault(key, order)
        counts[key] += count
        since[key] = min(since.get(key, stamp), line.ready_since)
    wants = [
        Want(
            demand=replace(order.demand, task=order.task),
            count=_within_limit(counts[key], limiter.spare(order.task, stamp)),
            oldest=stamp - since[key],
            seconds=pace.of(order.task),
        )
        for key, order in orders.items()
    ]
    return [want for want in wants if want.count > 0]


def count_waiting(line: Line) -> int:
    """How many subtasks of a job could be sent at once."""
    if line.held or line.stopped:
        return 0
    if is_reducing(line):
        return len(line.ready)
    aside = len(line.later) + len(line.parked) + len(line.known)
    return line.remaining - line.in_flight - aside


def is_reducing(line: Line) -> bool:
    """Whether what waits of a job is its reduction."""
    return bool(line.ready) and line.ready[0].reduce


def _within_limit(count: int, room: int | None) -> int:
    return count if room is None else min(count, room)
