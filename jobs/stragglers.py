"""Sends second copies of what holds up the end of a job; the first result wins."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

import structlog

from jobs.domain.backlog import Line, Ready
from jobs.domain.bundles import Pace
from jobs.domain.stragglers import Run, because, is_in_tail, limit
from jobs.memory import Memory
from jobs.planner import Planner
from nodes.domain.states import NodeState
from nodes.roster import Roster

log = structlog.get_logger()
#: More copies than this in one look would keep the leader from its other duties.
AT_ONCE = 50
#: What runs there is given up, or doubled for another reason.
OTHERS_BUSINESS = (NodeState.SUSPECT, NodeState.LOST)


class Stragglers:
    """Belongs to one workload; a new leader begins with a new one."""

    def __init__(self, memory: Memory, pace: Pace, planner: Planner) -> None:
        self._memory, self._pace, self._planner = memory, pace, planner

    def look(self, roster: Roster, now: datetime) -> int:
        """Double the longest runs, as far as other nodes have idle slots; how many that were."""
        lines = {line.order.job: line for line in self._memory.backlog.lines() if _is_open(line)}
        slow = sorted(self._find(lines, roster, now), key=lambda found: -found[0].seconds)
        if not slow:
            return 0
        pool, copies = self._planner.survey(roster), 0
        for run, ready, line in slow[:AT_ONCE]:
            demand = replace(line.order.demand, task=line.order.task)
            if pool.idle_slots(demand, besides=run.node) > copies:
                why = because(run, self._pace, line.order.task)
                log.info("subtask.doubled", subtask=ready.subtask, node=run.node, why=why)
                self._memory.copy(line, ready, node=run.node, because=why)
                copies += 1
        return copies

    def _find(
        self, lines: dict[str, Line], roster: Roster, now: datetime
    ) -> Iterator[tuple[Run, Ready, Line]]:
        limits = {job: limit(self._pace, line.order.task) for job, line in lines.items()}
        if not any(limits.values()):
            return
        for seat in roster:
            if seat.state in OTHERS_BUSINESS:
                continue
            for running in seat.beat.running:
                found = self._memory.flight.find(running.attempt, seat.name, seat.beat.incarnation)
                if found is None or not (longest := limits.get(found[0].job)):
                    continue
                sent, ready = found
                # What a node says of time is believed within what is possible.
                seconds = now.timestamp() - max(running.started_at, sent.at)
                line = lines[sent.job]
                if seconds > longest and self._may_be_doubled(ready, line):
                    yield Run(running.attempt, seat.name, seconds), ready, line

    def _may_be_doubled(self, ready: Ready, line: Line) -> bool:
        known = ready.subtask in line.doubled or ready.subtask in line.decided
        single = len(self._memory.flight.copies(ready.subtask)) == 1
        return single and not known and not ready.reduce and line.is_past(ready)


def _is_open(line: Line) -> bool:
    """Whether it is worth a look: the tail of work that may run twice."""
    return is_in_tail(line) and line.order.idempotent and not line.order.once
