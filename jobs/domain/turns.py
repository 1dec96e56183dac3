"""Whose turn it is among thousands of lines, without looking at each of them.

Lines stand in lanes, by what they want of nodes, and there in groups, by submitter and priority.
Heaps know the first line of each group and the first group of each lane; only the lanes' first
lines are compared.

The shares are those of start-time fair queueing (Goyal, Vin, Cheng 1996): who enters, or comes
back, is level with the least served of its equals, but for a head start. It neither waits for
them nor hogs.
"""

from collections.abc import Callable, Collection
from heapq import heappop, heappush
from itertools import count
from typing import TYPE_CHECKING

from jobs.domain.shares import Class, Group, Key, Lane, Share, is_able

if TYPE_CHECKING:
    from jobs.domain.backlog import Line
    from nodes.domain.placement import Demand

AGEING_SECONDS = 60.0
SWEEP_EVERY_SECONDS = 60.0
Wants = tuple[str, "Demand", bool, bool]


class Turns:
    """All lines in the order in which they are served."""

    def __init__(self) -> None:
        self._ranks: dict[int, dict[Wants, Lane]] = {}
        self._classes: dict[tuple[int, int], Class] = {}
        #: Lines that had nothing to send when they were last looked at, by job.
        self._aside: dict[str, Line] = {}
        #: When lines gain their next step of priority.
        self._birthdays: list[tuple[float, int, Line]] = []
        self._numbers = count()
        self._clock = self._swept_at = 0.0

    def enter(self, line: "Line") -> None:
        """A new line; it takes part from the next `prepare`."""
        order = line.order
        peers = self._classes.setdefault((order.rank, order.priority), Class())
        line.standing.share = peers.shares.setdefault(order.submitter, Share())
        line.standing.share.lines += 1
        self._aside[order.job] = line

    def leave(self, line: "Line") -> None:
        """A line that is served no more."""
        self._aside.pop(line.order.job, None)
        if line.standing.share is not None:
            line.standing.share.lines -= 1
        line.standing.entry = line.standing.share = None

    def prepare(self, now: float, refill: "Callable[[Line], None]") -> None:
        """Let lines age, and look again at those that had nothing to send.

        `refill` is called for these, and may give them more.
        """
        self._sweep(now)
        if now < self._clock:
            self._set_clock_back(now)
        self._clock = now
        self._age(now)
        for job, line in list(self._aside.items()):
            refill(line)
            if is_able(line):
                del self._aside[job]
                self._join(line, now)

    def first(self, *, last_rank_first: bool, closed: Collection[Lane]) -> "Line | None":
        """The line to serve next; none of a closed lane."""
        for rank in sorted(self._ranks, reverse=last_rank_first):
            best: tuple[Key, Line] | None = None
            for lane in self._ranks[rank].values():
                if lane in closed:
                    continue
                first = lane.first(self._aside)
                # Keys hold jobs' ids: no two are equal.
                if first is not None and (best is None or first < best):
                    best = first
            if best is not None:
                return best[1]
        return None

    def pass_over(self, line: "Line") -> None:
        """Leave a line out until the next `prepare`."""
        line.standing.entry = None
        self._aside[line.order.job] = line

    def charge(self, line: "Line", seconds: float, now: float) -> None:
        """Count what a line was given; its age is paid."""
        line.since = now
        if (share := line.standing.share) is not None:
            share.pool.charge(line.standing.account, seconds)
            self._class_of(line).pool.charge(share.account, seconds)
        if line.standing.entry is not None and line.standing.lane is not None:
            line.standing.lane.place(line, age=0)

    def _join(self, line: "Line", now: float) -> None:
        """Into its lane and group, level with the least served there."""
        order, share, standing = line.order, self._share_of(line), line.standing
        share.join(line)
        lane = standing.lane = self._lane_of(line)
        group = lane.groups.get((order.priority, order.submitter))
        if group is None or group.share is not share:
            group = lane.groups[order.priority, order.submitter] = Group(share, order.priority)
        standing.group = group
        lane.place(line, age=_age_of(line, now))
        if not standing.ages:
            standing.ages = True
            self._await_birthday(line, now)

    def _class_of(self, line: "Line") -> Class:
        return self._classes[line.order.rank, line.order.priority]

    def _share_of(self, line: "Line") -> Share:
        """The line's share; it and the line are level with those that are at work."""
        peers = self._class_of(line)
        share = peers.shares[line.order.submitter]
        level = share.level()
        if level is None:
            others = peers.shares.values()
            working = [other.account.level for other in others if other.level() is not None]
            peers.pool.admit(share.account, min(working, default=None))
        share.pool.admit(line.standing.account, level)
        return share

    def _lane_of(self, line: "Line") -> Lane:
        reduce = line.ready[0].reduce
        order = line.order.of(reduce=reduce)
        wants: Wants = (order.task, order.demand, order.alone, reduce)
        lanes = self._ranks.setdefault(order.rank, {})
        if wants not in lanes:
            lanes[wants] = Lane(order.task, reduce)
        return lanes[wants]

    def _age(self, now: float) -> None:
        while self._birthdays and self._birthdays[0][0] <= now:
            line = heappop(self._birthdays)[-1]
            entry, lane = line.standing.entry, line.standing.lane
            line.standing.ages = entry is not None
            if entry is None or lane is None:
                continue
            if entry[0] != -_age_of(line, now):
                lane.place(line, age=_age_of(line, now))
            self._await_birthday(line, now)

    def _await_birthday(self, line: "Line", now: float) -> None:
        at = line.since + AGEING_SECONDS * (_age_of(line, now) + 1)
        # What is due already is due to rounding, and would be due for ever.
        heappush(self._birthdays, (at if at > now else now + 1, next(self._numbers), line))

    def _set_clock_back(self, now: float) -> None:
        """Nobody waits for a birthday that a wrong clock has put far off."""
        lines = [line for _, _, line in self._birthdays]
        self._birthdays = []
        for line in lines:
            self._await_birthday(line, now)

    def _sweep(self, now: float) -> None:
        if 0 <= now - self._swept_at < SWEEP_EVERY_SECONDS:
            return
        self._swept_at = now
        for rank, lanes in self._ranks.items():
            self._ranks[rank] = {wants: lane for wants, lane in lanes.items() if lane.sweep()}
        for peers in self._classes.values():
            peers.sweep()


def _age_of(line: "Line", now: float) -> int:
    """The steps of priority that a line gained by waiting."""
    return int(max(now - line.since, 0.0) / AGEING_SECONDS)
