"""Once a second: who is there, who is suspect, who is gone, who is new."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import structlog
from redis import Redis

from hive_site.kernel.envelope import Forged
from hive_site.kernel.redis import load_script
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


#: No honest node says so much, however many slots it has.
MAX_BEAT_BYTES = 2**22
LUA = Path(__file__).parent / "lua"
#: So many nodes are heard at once: reading more would keep the leader from its other duties.
GROUP = 100


@dataclass(slots=True)
class Sighting:
    """What one look at the cluster found. `boot` names Redis's memory, empty if it has none."""

    joined: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    boot: str = ""


@dataclass(slots=True)
class Look:
    """A look that goes on. Each group of nodes is to be heard before anybody is judged."""

    believes: bool
    groups: list[list[str]]
    sighting: Sighting = field(default_factory=Sighting)
    #: Redis's clock when a group was heard last.
    now_ms: int = 0
    heard: set[str] = field(default_factory=set)
    #: Those whose agents listen to their channels.
    subscribed: set[str] = field(default_factory=set)


class Watch:
    """Reads heartbeats and proofs of life, and keeps the roster's states true."""

    def __init__(self, client: Redis, *, mailbox: Mailbox, trust: Trust) -> None:
        self._client = client
        self._mailbox = mailbox
        self._trust = trust
        self._catalogue = Catalogue(client)
        self._newer = load_script(client, LUA / "newer_beats.lua")
        self._members: frozenset[bytes] = frozenset()
        self._names: list[str] = []

    def begin(self, now: float) -> Look:
        """Who there is to be heard. Without trust, nobody is called suspect or lost."""
        believes = self._trust.look(now)
        members = frozenset(self._client.smembers(wire.NODES))
        if members != self._members:
            names = sorted(name.decode(errors="replace") for name in members)
            self._names = [name for name in names if NODE_NAME.fullmatch(name)]
            self._members = members
            if no_names := members - {name.encode() for name in self._names}:
                self._client.srem(wire.NODES, *no_names)
        starts = range(0, max(len(self._names), 1), GROUP)  # an empty one asks for the boot key
        return Look(believes, [self._names[at : at + GROUP] for at in starts])

    def hear(self, look: Look, names: list[str], roster: Roster, now: float) -> None:
        """Take in what one group of nodes said, and how old that is by now."""
        # Whoever was paused since the look began may have been so together with Redis.
        look.believes &= self._trust.look(now)
        pipe = self._client.pipeline(transaction=False)
        pipe.time()
        pipe.mget(wire.EPOCH, wire.BOOT)
        pipe.execute_command("PUBSUB", "NUMSUB", *map(wire.control_channel, names))
        # The time first: whoever is paused here takes nobody's silence for longer than it is.
        (seconds, micros), (epoch, boot), numsub = pipe.execute()
        entries = self._read_beats(names, roster)
        look.now_ms = seconds * 1000 + micros // 1000
        look.sighting.boot = boot.decode(errors="replace") if epoch and boot else ""
        counts = zip(names, numsub[1::2], strict=True)
        look.subscribed.update(name for name, count in counts if count)
        self._drop_unheard({names[place - 1] for place, _, _ in entries}, names, roster)
        for place, entry, envelope in entries:
            self._take_beat(names[place - 1], entry.decode(), envelope, roster, look.sighting)
        look.heard.update(names)
        for name in names:
            if seat := roster.get(name):
                seat.beat_age = (look.now_ms - seat.seen_ms) / 1000

    def judge(self, look: Look, roster: Roster, now: float) -> Sighting:
        """Bring the states of all nodes up to date, once every group was heard."""
        look.believes &= self._trust.look(now)
        self._look_up_tasks(roster)
        self._pass_verdicts(look, roster, now)
        return look.sighting

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

    def _drop_unheard(self, heard: set[str], names: list[str], roster: Roster) -> None:
        """Whoever says its name says something first; any node may write down any name."""
        made_up = [name for name in names if name not in heard and name not in roster]
        if made_up:
            self._client.srem(wire.NODES, *made_up)

    def _read_beats(self, names: list[str], roster: Roster) -> list[Any]:
        if not names:
            return []
        seats = [roster.get(name) for name in names]
        known = [seat.entry if seat else "" for seat in seats]
        return list(
            self._newer(keys=[wire.beat_key(name) for name in names], args=[*known, MAX_BEAT_BYTES])
        )

    def _take_beat(
        self, name: str, entry: str, envelope: bytes, roster: Roster, sighting: Sighting
    ) -> None:
        try:
            if wire.is_out_of_time(entry):
                raise ValueError(f"stamped {entry}")
            beat = read_beat(self._mailbox.verify(name, envelope, wire.PURPOSE_BEAT))
        except (Forged, ValueError, KeyError) as error:
            self._mailbox.refused += 1
            log.warning("beat.refused", node=name, reason=str(error))
            if known := roster.get(name):
                known.entry = entry  # not to be read and refused once a second
            return
        seat = roster.get(name)
        if seat is None:
            seat = roster.add(Seat(name))
            sighting.joined.append(name)
        seat.entry = entry
        self._renew(seat, beat, int(entry.partition("-")[0]), sighting)

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

    def _without_sockets(self, roster: Roster, subscribed: set[str]) -> set[str]:
        mute = [s for s in roster if s.state != NodeState.LOST and s.name not in subscribed]
        if not mute:
            return set()
        connected = {client.get("name", "") for client in self._client.client_list()}
        return {
            seat.name
            for seat in mute
            if wire.client_name(seat.name, seat.beat.incarnation) not in connected
        }

    def _pass_verdicts(self, look: Look, roster: Roster, now: float) -> None:
        closed = self._without_sockets(roster, look.subscribed) if look.believes else set()
        verdicts = {}
        for seat in roster:
            if seat.state is not NodeState.LOST:
                seat.looks_without_sockets = (seat.looks_without_sockets + 1) * (
                    seat.name in closed
                )
                if seat.name not in look.heard:
                    seat.beat_age = (look.now_ms - seat.seen_ms) / 1000
                verdicts[seat.name] = judge(Evidence(seat.beat_age, seat.looks_without_sockets))
        holds_back = not look.believes or self._brakes(roster, verdicts, now)
        for name, (pulse, reason) in verdicts.items():
            if pulse is Pulse.ALIVE or not holds_back:
                self._apply(roster[name], pulse, reason, look.now_ms / 1000, look.sighting)

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
