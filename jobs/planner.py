"""Which subtasks go where now. Reads memory only; what it plans is in flight at once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from random import Random

from jobs.domain.backlog import Backlog, Line, Ready
from jobs.domain.bundles import TARGET_SECONDS, Pace, shortness, size
from jobs.domain.flight import Flight, Sent
from jobs.domain.limits import Limiter
from jobs.domain.shares import Lane
from jobs.domain.taking import drop_known, heads, take
from jobs.occupancy import occupy
from jobs.survey import Survey
from jobs.wire import bundle_id
from nodes.domain.placement import Choice, Demand
from nodes.domain.pool import MAX_WHY_CHARS, Pool
from nodes.domain.scaling_loads import Offer, find_help
from nodes.domain.scoring import Weights
from nodes.roster import Roster

#: What an item of an unknown task is charged, in seconds.
UNKNOWN_SECONDS = 0.1
#: More than this in one step, and what nodes report would wait too long to be recorded.
BUNDLES_AT_ONCE = 125
#: Why a line cannot be placed is found out at most this often.
EXPLAIN_EVERY_SECONDS = 1.0


@dataclass(slots=True)
class Step:
    """One plan in the making."""

    pool: Pool
    roster: Roster
    slots: int
    now: float
    demands: dict[tuple[str, bool, int], Demand] = field(default_factory=dict)


class Planner:
    """One leader's plans. Attempt ids are unique for ever: the epoch, then a sequence."""

    def __init__(
        self,
        backlog: Backlog,
        flight: Flight,
        pace: Pace,
        *,
        weights: Weights,
        random: Random,
        epoch: int = 0,
        limiter: Limiter | None = None,
        bundle_seconds: float = TARGET_SECONDS,
        refill: Callable[[Line], None] = lambda line: None,
    ) -> None:
        self._backlog, self._flight, self._pace = backlog, flight, pace
        self._survey = Survey(flight, weights=weights, random=random)
        self._refill, self._bundle_seconds = refill, bundle_seconds
        self._limiter = limiter or Limiter(flight)
        self._next_attempt = (epoch << 32) + 1
        #: What pools could start; told to those who wait for it.
        self.offers: Sequence[Offer] = ()
        #: Whether the last plan stopped before everything was placed.
        self.goes_on = False
        self._explained_at = 0.0

    def next_attempt(self, count: int = 1) -> int:
        """The first of `count` attempt ids that were never given before."""
        first = self._next_attempt
        self._next_attempt += count
        return first

    def plan(self, roster: Roster, now: datetime) -> list[tuple[Sent, Line]]:
        """Bundles for nodes that have room, in the order of whose turn it is."""
        stamp = now.timestamp()
        self.goes_on = False
        self._backlog.prepare(stamp, refill=self._refill)
        self.count_flight(roster)
        line = self._backlog.turn()
        if line is None:
            return []
        pool = self.survey(roster)
        step = Step(pool, roster, pool.slots, stamp)
        planned: list[tuple[Sent, Line]] = []
        closed: set[Lane] = set()
        while line and len(planned) < BUNDLES_AT_ONCE and not step.pool.is_full:
            sent = self._attend(line, step)
            if sent is not None:
                planned.append((sent, line))
            elif not line.ready or line.standing.lane is None or line.ready[0].avoid:
                self._backlog.pass_over(line)
            else:
                closed.add(line.standing.lane)
            line = self._backlog.turn(closed=closed)
        self.goes_on = len(planned) == BUNDLES_AT_ONCE
        if step.pool.is_full and stamp - self._explained_at >= EXPLAIN_EVERY_SECONDS:
            self._explained_at = stamp
            self._explain_rest(step)
        return planned

    def count_flight(self, roster: Roster) -> None:
        """Bring what seats say of work in flight up to date."""
        self._survey.count(roster)

    def survey(self, roster: Roster) -> Pool:
        """The nodes as they are now, with what is in flight there."""
        return self._survey.pool(roster)

    def _attend(self, line: Line, step: Step) -> Sent | None:
        """A bundle of the line whose turn it is, unless a limit or the nodes stand against it."""
        lane = line.standing.lane
        if lane and self._limiter.room(lane.task, step.now) == 0:
            lane.reason = self._limiter.reason(lane.task)
            return None
        return self._bundle(line, step)

    def _bundle(self, line: Line, step: Step) -> Sent | None:
        drop_known(line, self._flight)
        for at in heads(line, self._flight):
            count, demand = self._shape(line, at, step)
            head = line.ready[at]
            apart = bool(head.copy_because)
            choice = step.pool.choose(demand, avoid=head.avoid, apart=apart)
            if choice:
                return self._send(line, take(line, at, count, self._flight), choice, demand, step)
            if not apart:
                step.pool.keep_places(demand, avoid=head.avoid)
                step.pool.keep_means(demand, avoid=head.avoid)
        if line.ready:
            self._explain(line, step)
        return None

    def _explain_rest(self, step: Step) -> None:
        """Whom nobody asked for, because no node has room for anything, waits for a reason too."""
        for line in self._backlog.lines():
            if line.ready and not (line.held or line.stopped):
                self._explain(line, step)

    def _explain(self, line: Line, step: Step) -> None:
        """Find out why nothing of its like can be placed; once a second is enough."""
        lane = line.standing.lane
        if not lane or (lane.reason and step.now - lane.explained_at < EXPLAIN_EVERY_SECONDS):
            return
        _, demand = self._shape(line, 0, step)
        lane.explained_at = step.now
        lane.reason = step.pool.why_not(demand)
        lane.fits_nowhere = not step.pool.fits_somewhere(demand)
        if lane.fits_nowhere and (helper := find_help(demand, self.offers)):
            lane.reason += f"; the pool {helper} may start one"

    def _send(
        self, line: Line, items: list[Ready], choice: Choice, demand: Demand, step: Step
    ) -> Sent:
        if lane := line.standing.lane:
            lane.reason, lane.fits_nowhere = "", False
        seat = step.roster[choice.node]
        seat.in_flight += 1
        seat.long_in_flight += not demand.short
        seat.sent_since_beat += 1
        step.pool.charge(choice, demand)
        seconds = self._pace.of(demand.task) or UNKNOWN_SECONDS
        self._backlog.charge(line, seconds=seconds * len(items), now=step.now)
        first = self.next_attempt(len(items))
        sent = Sent(
            id=bundle_id(choice.node, first),
            node=choice.node,
            incarnation=seat.beat.incarnation,
            job=line.order.job,
            first=first,
            at=step.now,
            items=items,
            gpus=choice.gpus,
            memory_mb=demand.memory_mb,
            short=demand.short > 0,
            placed=_tell(items[0], choice),
            task=demand.task,
        )
        # The pool and the seat were charged with all that small work takes.
        counted = not (choice.gpus or demand.memory_mb or seat.beat.elders)
        self._flight.add(sent, counted=counted)
        if choice.gpus:
            occupy(self._survey.machine(seat.host), self._flight)
        self._limiter.start(sent.task, len(items), seconds=seconds * len(items), now=step.now)
        self._refill(line)
        line.in_flight += len(items)
        return sent

    def _shape(self, line: Line, at: int, step: Step) -> tuple[int, Demand]:
        """How many items to send together, and what they need of a node."""
        reduce = line.ready[at].reduce
        order = line.order.of(reduce=reduce)
        seconds, alone = self._pace.of(order.task), order.alone or reduce
        count = size(
            seconds=seconds,
            remaining=max(line.remaining - line.in_flight, 1),
            slots=step.slots,
            alone=alone,
            target=self._bundle_seconds,
        )
        room = self._limiter.room(order.task, step.now)
        if room is not None:
            # It starts when it is sent, and uses up no limit behind the work of others.
            count = min(count, room)
        short = 0 if alone or room is not None else shortness(seconds=seconds, items=count)
        key = (line.order.job, reduce, short)
        if key not in step.demands:
            step.demands[key] = replace(order.demand, short=short, task=order.task)
        return count, step.demands[key]


def _tell(first: Ready, choice: Choice) -> str:
    """Why the bundle goes there, for people."""
    reason = first.copy_because
    if first.avoid and not reason:
        reason = f"not on {', '.join(sorted(first.avoid))}, where it crashed"
    return "; ".join(filter(None, (reason, choice.why)))[:MAX_WHY_CHARS]
