"""Which subtasks go where now. Reads memory only; what it plans is in flight at once."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from random import Random

from jobs.domain.backlog import Backlog, Line, Ready
from jobs.domain.bundles import MAX_BYTES, Pace, is_short, size
from jobs.domain.flight import Flight, Sent
from jobs.domain.limits import Limiter
from jobs.domain.shares import Lane
from jobs.wire import bundle_id
from nodes.domain.placement import Candidate, Choice, Demand, busy, choose, unfit
from nodes.domain.scoring import Weights
from nodes.roster import Roster

ANYWHERE = Demand()
#: What an item of an unknown task is charged, in seconds.
UNKNOWN_SECONDS = 0.1
#: Choosing looks at every node. More than this in one step, and a leader of a thousand nodes
#: would lose its lease over the first plan.
BUNDLES_AT_ONCE = 500


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
        refill: Callable[[Line], None] = lambda line: None,
    ) -> None:
        self._backlog, self._flight, self._pace = backlog, flight, pace
        self._weights, self._random = weights, random
        self._refill = refill
        self._limiter = limiter or Limiter(flight)
        self._next_attempt = (epoch << 32) + 1
        #: Whether the last plan stopped before everything was placed.
        self.goes_on = False

    def next_attempt(self, count: int = 1) -> int:
        """The first of `count` attempt ids that were never given before."""
        first = self._next_attempt
        self._next_attempt += count
        return first

    def plan(self, roster: Roster, now: datetime) -> list[tuple[Sent, Line]]:
        """Bundles for nodes that have room, in the order of whose turn it is."""
        stamp = now.timestamp()
        self._backlog.prepare(stamp, refill=self._refill)
        self._count_flight(roster)
        nodes = {node.name: node for node in roster.candidates()}
        slots = roster.slots()
        planned: list[tuple[Sent, Line]] = []
        closed: set[Lane] = set()
        while len(planned) < BUNDLES_AT_ONCE and any(n.sent < 2 * n.slots for n in nodes.values()):
            line = self._backlog.turn(closed=closed)
            if line is None or (lane := line.standing.lane) is None:
                break
            if self._limiter.room(lane.task, stamp) == 0:
                lane.reason = self._limiter.reason(lane.task)
                closed.add(lane)
                continue
            sent = self._bundle(line, nodes, slots, stamp, roster)
            if sent is not None:
                planned.append((sent, line))
                continue
            _keep_places(nodes, ANYWHERE if lane.reduce else line.order.demand, line.ready[0].avoid)
            if line.ready[0].avoid:
                self._backlog.pass_over(line)
            else:
                closed.add(lane)
        self.goes_on = len(planned) == BUNDLES_AT_ONCE
        return planned

    def _count_flight(self, roster: Roster) -> None:
        for seat in roster:
            sent = self._flight.on(seat.name)
            seat.in_flight = len(sent)
            seat.leased_gpus = {gpu for bundle in sent for gpu in bundle.gpus}

    def _bundle(
        self, line: Line, nodes: dict[str, Candidate], slots: int, now: float, roster: Roster
    ) -> Sent | None:
        count, demand = self._shape(line, slots, now)
        choice = choose(
            nodes.values(),
            demand,
            weights=self._weights,
            random=self._random,
            avoid=line.ready[0].avoid,
        )
        line.awaiting_room = "" if choice else "no node that fits has room"
        if choice is None:
            return None
        items = _take(line, count)
        self._charge(nodes, choice, roster)
        seconds = self._pace.of(line.order.task) or UNKNOWN_SECONDS
        self._backlog.charge(line, seconds=seconds * len(items), now=now)
        first = self.next_attempt(len(items))
        sent = Sent(
            id=bundle_id(choice.node, first),
            node=choice.node,
            incarnation=roster[choice.node].beat.incarnation,
            job=line.order.job,
            first=first,
            at=now,
            items=items,
            gpus=choice.gpus,
            task=line.order.reduce if items[0].reduce else line.order.task,
        )
        self._flight.add(sent)
        self._limiter.start(sent.task, len(items), seconds=seconds * len(items), now=now)
        self._refill(line)
        line.in_flight += len(items)
        return sent

    def _shape(self, line: Line, slots: int, now: float) -> tuple[int, Demand]:
        """How many items to send together, and what they need of a node."""
        first = line.ready[0]
        if first.reduce:
            return 1, ANYWHERE
        seconds = self._pace.of(line.order.task)
        count = size(
            seconds=seconds,
            remaining=max(line.remaining - line.in_flight, 1),
            slots=slots,
            alone=line.order.alone,
        )
        room = self._limiter.room(line.order.task, now)
        if room is not None:
            # It starts when it is sent, and uses up no limit behind the work of others.
            return min(count, room), line.order.demand
        short = not line.order.alone and is_short(seconds=seconds, items=count)
        return count, replace(line.order.demand, short=short) if short else line.order.demand

    def _charge(self, nodes: dict[str, Candidate], choice: Choice, roster: Roster) -> None:
        """The node is busier from now on, before it can say so itself."""
        node, seat = nodes[choice.node], roster[choice.node]
        seat.in_flight += 1
        seat.sent_since_beat += 1
        seat.leased_gpus |= set(choice.gpus)
        nodes[choice.node] = replace(
            node,
            sent=node.sent + 1,
            cpu=min(1.0, node.cpu + 1 / max(node.slots, 1)),
            free_gpus=tuple(gpu for gpu in node.free_gpus if gpu.index not in choice.gpus),
        )


def _keep_places(nodes: dict[str, Candidate], demand: Demand, avoid: frozenset[str]) -> None:
    """Queue nothing behind slots for which work waits whose turn it is.

    Else the next short bundle would always be there first, and work that is not short, or not
    known to be, would never find a slot free.
    """
    fit = [node for node in nodes.values() if not unfit(node, demand)]
    for node in [node for node in fit if node.name not in avoid] or fit:
        if node.slots <= node.sent and not busy(replace(node, sent=0), demand):
            nodes[node.name] = replace(node, sent=2 * node.slots)


def _take(line: Line, count: int) -> list[Ready]:
    """Up to `count` ready subtasks, within the size that one bundle may have."""
    items = [line.ready.popleft()]
    room = MAX_BYTES - len(items[0].item)
    while len(items) < count and line.ready:
        following = line.ready[0]
        room -= len(following.item)
        # What must avoid a node would drag neighbours along that need not.
        if room < 0 or following.avoid != items[0].avoid or following.reduce:
            break
        items.append(line.ready.popleft())
    return items
