"""Which of a schedule's times are due, and which of them still count.

`ticks` stands for a cron expression in a time zone: from a moment on it yields the times that
follow, in order, without end or to the end of the calendar. All times are aware.
"""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import takewhile

Ticks = Callable[[datetime], Iterator[datetime]]

#: Later than this, a run was missed. A change of leaders takes less.
GRACE = timedelta(seconds=60)
#: No more runs than this are made up for, the newest.
MOST = 100
FIRST_LOOK_BACK = timedelta(hours=2)


class Missed(StrEnum):
    """What becomes of the times at which nobody could submit anything."""

    SKIP = "skip"
    ONCE = "once"
    ALL = "all"


class Overlap(StrEnum):
    """What becomes of a time at which the last job has not ended."""

    ALLOW = "allow"
    SKIP = "skip"


def due_times(ticks: Ticks, *, first: datetime, now: datetime) -> list[datetime]:
    """The times from `first` to `now`, both included; of many, the newest hundred.

    A year of minutes is not counted to find its last hundred.
    """
    if first > now:
        return []
    look_back = FIRST_LOOK_BACK
    while True:
        since = max(first, now - look_back) if now - first > look_back else first
        found = list(takewhile(lambda at: at <= now, ticks(since)))
        if since == first:
            return [first, *found][-MOST:]
        if len(found) >= MOST:
            return found[-MOST:]
        look_back *= 4


def choose_runs(due: list[datetime], *, now: datetime, missed: Missed) -> list[datetime]:
    """The due times for which a job is submitted."""
    match missed:
        case Missed.ALL:
            return due
        case Missed.ONCE:
            return due[-1:]
        case Missed.SKIP:
            return [at for at in due if at > now - GRACE][-1:]


def next_time(ticks: Ticks, *, after: datetime) -> datetime | None:
    """The first time after a moment; None if there is none."""
    return next(ticks(after), None)
