"""One pool: looks at it once a second, decides, and has done what was decided."""

from collections import deque
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import structlog

from nodes.autoscaling import marks
from nodes.autoscaling.configuration import PoolSettings
from nodes.autoscaling.errands import Errand, Messenger, Outcome
from nodes.domain.scaling import Decision, Memory, decide, fail
from nodes.domain.scaling_loads import Offer
from nodes.domain.scaling_machines import POOL, Instance, Sight, machine_of
from nodes.domain.scaling_pictures import Load, Machine, Picture, Stage
from nodes.domain.states import NodeState
from nodes.roster import Roster, Seat

log = structlog.get_logger()
#: A list that is so many times older than a new one should be is believed no more.
STALE_TIMES, STALE_SECONDS = 3, 5.0
#: What was told to end and is still there is told again.
TOLD_AGAIN_SECONDS = 120.0
CHANGES_KEPT = 10
#: Rows of nodes that one look deletes: a cloud may take away hundreds, and the loop must go on.
FORGOTTEN_AT_ONCE = 20


class Pool:
    """For as long as this process may lead; `open` begins a term. `name_node` makes up names."""

    def __init__(
        self,
        settings: PoolSettings,
        messenger: Messenger,
        *,
        busy: Callable[[str], int],
        name_node: Callable[[], str],
    ) -> None:
        self.settings, self._messenger = settings, messenger
        self._busy, self._name_node = busy, name_node
        self.open(lambda: False)

    def open(self, leads: Callable[[], bool]) -> None:
        """Remember nothing: somebody else may have changed everything. `leads` tells, from any
        thread, whether the term lasts."""
        self._leads = leads
        self._memory, self._decision = Memory(), Decision(0, "")
        self._instances: Sequence[Instance] = ()
        self._listed_at: float | None = None
        self._asked_at: float | None = None
        self._known: set[str] = set()
        #: When each instance was told to end, by its id.
        self._told: dict[str, float] = {}
        self._machines: tuple[Machine, ...] = ()
        self._load, self._errors = Load(), list[str]()
        self._changes: deque[dict[str, str]] = deque(maxlen=CHANGES_KEPT)

    def offer(self) -> Offer:
        """What it could do for work that waits."""
        used = sum(machine.share for machine in self._machines)
        room = max(self.settings.rules.maximum - used, 0.0)
        return Offer(self.settings.name, self.settings.kind, self.settings.slots, room)

    def look(self, roster: Roster, load: Load, *, now: datetime, shaky: bool) -> None:
        """Do what is to be done now; what takes long, beside the loop."""
        stamp, self._load = now.timestamp(), load
        outcome = self._messenger.collect()
        if outcome:
            self._take(outcome, roster, stamp)
        self._machines = tuple(
            machine_of(instance, self._sight(roster.get(instance.node)), now=stamp)
            for instance in self._instances
            if not self._is_leaving(instance, stamp)
        )
        if self._messenger.away_seconds:
            return
        picture = Picture(stamp, self._machines, load, self._doubt(stamp), shaky)
        self._decision, self._memory = decide(
            rules=self.settings.rules, picture=picture, memory=self._memory
        )
        self._obey(roster, stamp)

    def tell(self) -> dict[str, Any]:
        """How it is, as JSON."""
        stages = [machine.stage for machine in self._machines]
        rules, load = self.settings.rules, self._load
        return {
            "provider": self.settings.provider,
            "min": rules.minimum,
            "max": rules.maximum,
            "wanted": self._decision.wanted,
            "ready": stages.count(Stage.READY),
            "starting": stages.count(Stage.STARTING),
            "draining": stages.count(Stage.DRAINING) + stages.count(Stage.DRAINED),
            "held": stages.count(Stage.HELD),
            "leaving": len(self._instances) - len(stages),
            "waiting": load.waiting,
            "oldest_wait": round(load.oldest, 1),
            "reason": self._decision.reason,
            "error": "; ".join(self._errors),
            "changes": list(self._changes),
        }

    def dismiss(self, seconds: float) -> None:
        """The Foreman ends."""
        self._messenger.dismiss(seconds)

    def _take(self, outcome: Outcome, roster: Roster, stamp: float) -> None:
        self._errors = outcome.errors
        if outcome.start_failed:
            self._memory = fail(self._memory, stamp)
        if outcome.instances is None:
            return
        self._instances, self._listed_at = outcome.instances, stamp
        here = {instance.id for instance in outcome.instances}
        self._told = {id_: at for id_, at in self._told.items() if id_ in here}
        nodes = {instance.node for instance in outcome.instances}
        self._known |= nodes
        gone = [seat for seat in roster if self._is_gone(seat, nodes)]
        for seat in gone[:FORGOTTEN_AT_ONCE]:
            marks.forget(seat.name)
            self._known.discard(seat.name)

    def _is_gone(self, seat: Seat, nodes: set[str]) -> bool:
        """Whether it was a machine of ours, which is no more."""
        pool = self.settings.name
        ours = seat.labels.get(POOL) == pool and (
            seat.name in self._known or seat.name.startswith(f"{pool}-")
        )
        return ours and seat.state is NodeState.LOST and seat.name not in nodes

    def _sight(self, seat: Seat | None) -> Sight | None:
        if seat is None:
            return None
        marks.settle(seat)
        busy, gpus = self._busy(seat.name), seat.beat.gpus
        share = busy / max(seat.beat.slots, 1)
        share = max(share, len(seat.leased_gpus) / len(gpus)) if gpus else share
        return Sight(
            state=seat.state,
            intent=seat.intent,
            marked=marks.is_leaving(seat),
            seen_at=seat.seen_ms / 1000,
            busy=busy,
            share=min(share, 1.0),
        )

    def _is_leaving(self, instance: Instance, stamp: float) -> bool:
        told = self._told.get(instance.id)
        return instance.leaving or (told is not None and stamp - told < TOLD_AGAIN_SECONDS)

    def _doubt(self, stamp: float) -> str:
        if self._listed_at is None:
            return "; ".join(self._errors) or "asks the provider what there is"
        most = max(STALE_TIMES * self.settings.list_every, STALE_SECONDS)
        if stamp - self._listed_at > most:
            return f"the provider gave no list for {stamp - self._listed_at:.0f} s"
        return ""

    def _obey(self, roster: Roster, stamp: float) -> None:
        decision = self._decision
        drained = [name for name in decision.drain if marks.drain(roster[name])]
        resumed = [name for name in decision.resume if self._resume(roster.get(name))]
        ending = {*decision.remove, *decision.give_up}
        stop = [each for each in self._instances if each.node in ending]
        start = [self._name_node() for _ in range(decision.start)]
        self._told |= {instance.id: stamp for instance in stop}
        for verb, nodes in (
            ("started", start),
            ("resumed", resumed),
            ("drained", drained),
            ("removed", list(decision.remove)),
            ("gave up", list(decision.give_up)),
        ):
            if nodes:
                self._note(verb, nodes, decision.reason, stamp)
        if stop or start or self._is_list_due(stamp):
            self._asked_at = stamp
            self._messenger.send(Errand(stop, start), leads=self._leads)

    def _resume(self, seat: Seat | None) -> bool:
        return seat is not None and marks.resume(seat)

    def _is_list_due(self, stamp: float) -> bool:
        every = self.settings.list_every
        return self._asked_at is None or not 0 <= stamp - self._asked_at < every

    def _note(self, verb: str, nodes: list[str], reason: str, stamp: float) -> None:
        log.info("pool.changed", pool=self.settings.name, what=verb, nodes=nodes, reason=reason)
        at = datetime.fromtimestamp(stamp, UTC).isoformat(timespec="seconds")
        what = f"{verb} {', '.join(nodes)}"
        self._changes.append({"at": at, "what": what[:300], "reason": reason})
