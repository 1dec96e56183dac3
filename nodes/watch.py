"""Once a second: who is there, who is suspect, who is gone, who is new."""

from dataclasses import dataclass, field
from typing import Any

import structlog
from redis import Redis

from hive_site.kernel.envelope import Forged
from nodes import wire
from nodes.domain.beats import Beat, read_beat
from nodes.domain.liveness import Evidence, Pulse, judge
from nodes.domain.states import ALIVE_AS, NodeState
from nodes.mailbox import Mailbox
from nodes.roster import Roster, Seat

log = structlog.get_logger()


@dataclass(slots=True)
class Sighting:
    """What one look at the cluster found. `gone` maps names to reasons."""

    joined: list[str] = field(default_factory=list)
    returned: list[str] = field(default_factory=list)
    gone: dict[str, str] = field(default_factory=dict)
    changed: list[str] = field(default_factory=list)


class Watch:
    """Reads heartbeats and proofs of life, and keeps the roster's states true."""

    def __init__(self, client: Redis, *, mailbox: Mailbox) -> None:
        self._client = client
        self._mailbox = mailbox

    def look(self, roster: Roster, *, verdicts: bool = True) -> Sighting:
        """Bring the roster up to date. Without `verdicts` nobody is called suspect or lost."""
        members = self._client.smembers(wire.NODES)
        names = sorted(name.decode(errors="replace") for name in members)
        names = [name for name in names if wire.NODE_NAME.fullmatch(name)]
        now_ms, entries, subscribed = self._read(names)
        closed = self._without_sockets(roster, subscribed) if verdicts else set()
        # Nothing from here on can fail: a look that ends halfway would lose what it found.
        sighting = Sighting()
        for name, entry in zip(names, entries, strict=True):
            if entry:
                self._take_beat(name, entry[0], roster, sighting)
        if verdicts:
            for seat in roster:
                self._judge(seat, now_ms, seat.name in closed, sighting)
        return sighting

    def forget(self, name: str) -> None:
        """Delete what Redis keeps of a node that was deleted. If it lives, it joins again."""
        keys = (wire.beat_key(name), wire.orders_key(name), wire.report_key(name))
        pipe = self._client.pipeline()
        pipe.srem(wire.NODES, name)
        pipe.delete(*keys)
        pipe.execute()

    def _read(self, names: list[str]) -> tuple[int, list[Any], dict[str, int]]:
        pipe = self._client.pipeline(transaction=False)
        pipe.time()
        for name in names:
            pipe.xrevrange(wire.beat_key(name), count=1)
        channels = [wire.control_channel(name) for name in names]
        pipe.execute_command("PUBSUB", "NUMSUB", *channels)
        (seconds, micros), *entries, numsub = pipe.execute()
        pairs = zip(numsub[::2], numsub[1::2], strict=True)
        counts = {channel.decode().rpartition(":")[2]: count for channel, count in pairs}
        return seconds * 1000 + micros // 1000, entries, counts

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
        if seat.beat.incarnation and seat.beat.incarnation != beat.incarnation:
            # A new start of the same Spore: what the old one held is free.
            sighting.gone[seat.name] = "started anew"
        elif seat.state is NodeState.LOST and seat.beat.incarnation:
            return  # a lost node must come back as a new incarnation
        if seat.state is NodeState.LOST:
            sighting.returned.append(seat.name)
            seat.state, seat.reason = ALIVE_AS[seat.intent], ""
        seat.beat, seat.seen_ms, seat.sent_since_beat = beat, at, 0
        seat.looks_without_sockets = 0

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

    def _judge(self, seat: Seat, now_ms: int, closed: bool, sighting: Sighting) -> None:
        if seat.state is NodeState.LOST:
            return
        seat.looks_without_sockets = seat.looks_without_sockets + 1 if closed else 0
        seat.beat_age = (now_ms - seat.seen_ms) / 1000
        pulse, reason = judge(Evidence(seat.beat_age, seat.looks_without_sockets))
        state = {
            Pulse.ALIVE: ALIVE_AS[seat.intent],
            Pulse.SUSPECT: NodeState.SUSPECT,
            Pulse.LOST: NodeState.LOST,
        }[pulse]
        if state is NodeState.LOST:
            sighting.gone[seat.name] = reason
        if state != seat.state:
            log.info("node.changed", node=seat.name, was=seat.state, now=state, reason=reason)
            seat.state, seat.reason = state, reason
            sighting.changed.append(seat.name)
