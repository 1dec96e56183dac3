"""Once a second: who is there, who is suspect, who is gone, who is new."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import structlog
from redis import Redis

from hive_site.kernel.envelope import Forged
from nodes import wire
from nodes.catalogue import Catalogue, Learn
from nodes.domain.beats import Beat, read_beat
from nodes.domain.flapping import remember, rests_until
from nodes.domain.liveness import Evidence, Pulse, judge
from nodes.domain.names import NODE_NAME
from nodes.domain.states import ALIVE_AS, PRESENT, Intent, NodeState
from nodes.domain.trust import Trust
from nodes.mailbox import Mailbox
from nodes.roster import Roster, Seat

log = structlog.get_logger()


@dataclass(slots=True)
class Sighting:
    """What one look at the cluster found. `boot` names Redis's memory, empty if it has none."""

    joined: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    boot: str = ""


class Watch:
    """Reads heartbeats and proofs of life, and keeps the roster's states true."""

    def __init__(self, client: Redis, *, mailbox: Mailbox, trust: Trust) -> None:
        self._client = client
        self._mailbox = mailbox
        self._trust = trust
        self._catalogue = Catalogue(client)

    def look(self, roster: Roster, now: float) -> Sighting:
        """Bring the roster up to date. Without trust, nobody is called suspect or lost."""
        believes = self._trust.look(now)
        members = self._client.smembers(wire.NODES)
        names = sorted(name.decode(errors="replace") for name in members)
        names = [name for name in names if NODE_NAME.fullmatch(name)]
        view = self._read(names)
        sighting = Sighting(boot=view.boot)
        for name, entry in zip(names, view.beats, strict=True):
            if entry:
                self._take_beat(name, entry[0], roster, sighting)
        self._look_up_tasks(roster)
        self._pass_verdicts(roster, view, now, sighting, believes=believes)
        return sighting

    def teach(self, learn: Learn, now: datetime) -> None:
        """Tell somebody of a list of tasks that is new, if there is one."""
        self._catalogue.teach(learn, now)

    def forget(self, name: str) -> None:
        """Delete what Redis keeps of a node that was deleted. If it lives, it joins again."""
        keys = (wire.beat_key(name), wire.orders_key(name), wire.report_key(name))
        pipe = self._client.pipeline()
        pipe.srem(wire.NODES, name)
        pipe.delete(*keys)
        pipe.execute()

    def _read(self, names: list[str]) -> "View":
        pipe = self._client.pipeline(transaction=False)
        pipe.time()
        pipe.mget(wire.EPOCH, wire.BOOT)
        for name in names:
            pipe.xrevrange(wire.beat_key(name), count=1)
        channels = [wire.control_channel(name) for name in names]
        pipe.execute_command("PUBSUB", "NUMSUB", *channels)
        (seconds, micros), (epoch, boot), *beats, numsub = pipe.execute()
        pairs = zip(numsub[::2], numsub[1::2], strict=True)
        return View(
            now_ms=seconds * 1000 + micros // 1000,
            boot=boot.decode() if epoch and boot else "",
            beats=beats,
            subscribed={name.decode().rpartition(":")[2]: count for name, count in pairs},
        )

    def _take_beat(self, name: str, entry: Any, roster: Roster, sighting: Sighting) -> None:
        at = int(entry[0].partition(b"-")[0])
        seat = roster.get(name)
        if seat and seat.seen_ms == at:
            return
        try:
            beat = read_beat(self._mailbox.verify(name, entry[1][b"e"], wire.PURPOSE_BEAT))
        except (Forged, ValueError, KeyError) as error:
            log.warning("beat.refused", node=name, reason=str(error))
            return
        if seat is None:
            seat = roster.add(Seat(name))
            sighting.joined.append(name)
        self._renew(seat, beat, at, sighting)

    def _renew(self, seat: Seat, beat: Beat, at: int, sighting: Sighting) -> None:
        anew = seat.beat.incarnation != beat.incarnation
        if seat.state is NodeState.LOST and seat.beat.incarnation and not anew:
            return  # a lost node must come back as a new incarnation
        if anew and seat.beat.incarnation and seat.state is not NodeState.LOST:
            # It died and came back between two looks, without a goodbye.
            seat.losses = remember(seat.losses, at / 1000)
            sighting.changed.append(seat.name)
        seat.hear(beat, at_ms=at)
        if seat.state is NodeState.LOST:
            state, reason = _alive_as(seat, at / 1000)
            self._move(seat, state, reason, sighting)

    def _look_up_tasks(self, roster: Roster) -> None:
        present = [seat for seat in roster if seat.state is not NodeState.LOST]
        digests = {seat.beat.tasks: seat.beat.release for seat in present if seat.beat.tasks}
        self._catalogue.learn(digests)
        for seat in present:
            seat.tasks = self._catalogue.tasks(seat.beat.tasks)

    def _without_sockets(self, roster: Roster, subscribed: dict[str, int]) -> set[str]:
        mute = [s for s in roster if s.state != NodeState.LOST and not subscribed.get(s.name)]
        if not mute:
            return set()
        connected = {client.get("name", "") for client in self._client.client_list()}
        return {
            seat.name
            for seat in mute
            if wire.client_name(seat.name, seat.beat.incarnation) not in connected
        }

    def _pass_verdicts(
        self, roster: Roster, view: "View", now: float, sighting: Sighting, *, believes: bool
    ) -> None:
        closed = self._without_sockets(roster, view.subscribed) if believes else set()
        verdicts = {}
        for seat in roster:
            if seat.state is not NodeState.LOST:
                seat.looks_without_sockets = (seat.looks_without_sockets + 1) * (
                    seat.name in closed
                )
                seat.beat_age = (view.now_ms - seat.seen_ms) / 1000
                verdicts[seat.name] = judge(Evidence(seat.beat_age, seat.looks_without_sockets))
        holds_back = not believes or self._brakes(roster, verdicts, now)
        for name, (pulse, reason) in verdicts.items():
            if pulse is Pulse.ALIVE or not holds_back:
                self._apply(roster[name], pulse, reason, view.now_ms / 1000, sighting)

    def _brakes(self, roster: Roster, verdicts: dict[str, tuple[Pulse, str]], now: float) -> bool:
        present = [seat for seat in roster if seat.state in PRESENT]
        vanished = [seat for seat in present if verdicts[seat.name][0] is not Pulse.ALIVE]
        brakes = self._trust.brake(vanished=len(vanished), present=len(present), now=now)
        if brakes:
            log.warning("watch.brakes", vanished=len(vanished), present=len(present))
        return brakes

    def _apply(self, seat: Seat, pulse: Pulse, reason: str, now: float, sighting: Sighting) -> None:
        if pulse is Pulse.LOST:
            seat.losses = remember(seat.losses, now)
            self._move(seat, NodeState.LOST, reason, sighting)
        elif pulse is Pulse.SUSPECT:
            self._move(seat, NodeState.SUSPECT, reason, sighting)
        else:
            self._move(seat, *_alive_as(seat, now), sighting)

    def _move(self, seat: Seat, state: NodeState, reason: str, sighting: Sighting) -> None:
        seat.reason = reason
        if state == seat.state:
            return
        log.info("node.changed", node=seat.name, was=seat.state, now=state, reason=reason)
        seat.state, seat.distrusted = state, False
        sighting.changed.append(seat.name)


def _alive_as(seat: Seat, now: float) -> tuple[NodeState, str]:
    """What a living node is called, and why it may get no work."""
    until = rests_until(seat.losses)
    if now < until:
        clock = datetime.fromtimestamp(until, UTC).strftime("%H:%M:%S")
        return NodeState.QUARANTINED, f"lost {len(seat.losses)} times, rests until {clock} UTC"
    if seat.beat.trouble and seat.intent is Intent.WORK:
        return NodeState.DRAINING, seat.beat.trouble
    if seat.beat.updating and seat.intent is Intent.WORK:
        return NodeState.UPDATING, f"release {seat.beat.release} proves itself"
    return ALIVE_AS[seat.intent], ""


@dataclass(frozen=True, slots=True)
class View:
    """What Redis says of the cluster at one moment of its own clock."""

    now_ms: int
    boot: str
    beats: list[Any]
    subscribed: dict[str, int]
