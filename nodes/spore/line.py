"""The agent's line to Redis: heartbeats and reports out, orders and wake-ups in."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import Any

import structlog
from redis import Redis
from redis.client import Pipeline

from hive_site.kernel.crash import crash_point
from hive_site.kernel.envelope import Forged, seal, unseal
from hive_site.kernel.redis import Direct, RedisError, connect
from nodes import wire
from nodes.domain.commands import Call, read_call
from nodes.spore.ear import Ear, disconnect
from nodes.spore.identity import Identity
from nodes.spore.spool import Spool

log = structlog.get_logger()
BEAT_TTL_SECONDS = 86_400
#: More than so many calls at once are heard one heartbeat later.
CALLS_AT_ONCE = 16
ANSWERS_TTL_SECONDS = 3600
#: More answers than nodes that one Hive may have, and then some.
ANSWERS_KEPT = 4096


@dataclass(frozen=True, slots=True)
class Answer:
    """What a heartbeat brought back. `clock_ms` is Redis's clock, in Unix milliseconds."""

    clock_ms: int
    orders: dict[str, Any]
    cancelled: frozenset[str]
    calls: tuple[Call, ...] = ()


@dataclass(frozen=True, slots=True)
class Glance:
    """What a retired agent sees. `is_over`: its incarnation was given up. `silence_seconds` is
    how long nobody has sent a heartbeat in its name, infinite if Redis knows of none."""

    clock_ms: int
    is_over: bool
    silence_seconds: float
    cancelled: frozenset[str]


def send_report(
    direct: Direct,
    node: str,
    envelope: bytes,
    *,
    done: str | None,
    along: Sequence[tuple[str | int, ...]] = (),
) -> list[Any]:
    """Put a signed report on the node's stream; `done` names a bundle that it ends.

    Returns the answers to the commands that go `along`.
    """
    fields = (part for field in wire.pieces("e", envelope).items() for part in field)
    commands: list[tuple[Any, ...]] = [("XADD", wire.report_key(node), "*", *fields)]
    if done:
        commands.append(("LREM", wire.intermediate_key(node), 1, done))
        commands.append(("DEL", wire.bundle_key(done)))
    answers = direct.ask(*commands, *along)
    crash_point("spore.reported")
    return answers[len(commands) :]


class Line:
    """One agent's connections. Every call may raise `RedisError` while Redis is away."""

    def __init__(self, url: str, identity: Identity, *, broadcasts: str = wire.BROADCAST) -> None:
        """`broadcasts` is the channel on which all nodes are called."""
        self._identity = identity
        name = wire.client_name(identity.name, identity.incarnation)
        self._client: Redis = connect(url, name=name, hurried=True)
        self._direct = Direct(self._client)
        mine = wire.control_channel(identity.name)
        self._ear = Ear(connect(url, name=name, hurried=True), mine, broadcasts)

    def announce(self) -> None:
        """Tell the Foreman to look at once."""
        self._client.xadd(wire.INBOX, {"what": "joined", "subject": self._identity.name})

    def is_taken(self) -> bool:
        """Whether another living agent uses this name."""
        channel = wire.control_channel(self._identity.name)
        return bool(self._client.pubsub_numsub(channel)[0][1])

    def beat(self, body: dict[str, Any], tokens: set[str]) -> Answer:
        """Say what the node is like; learn what is wanted of it and which work to stop."""
        me = self._identity
        asked = sorted(tokens)
        pipe = self._client.pipeline(transaction=False)
        beat_key = wire.beat_key(me.name)
        pipe.xadd(beat_key, {"e": self._seal(body, wire.PURPOSE_BEAT)}, maxlen=1, approximate=False)
        pipe.expire(beat_key, BEAT_TTL_SECONDS)
        pipe.sadd(wire.NODES, me.name)
        pipe.get(wire.orders_key(me.name))
        pipe.lpop(wire.commands_key(me.name), CALLS_AT_ONCE)
        _ask(pipe, asked)
        entry, _, _, orders, calls, *flags = pipe.execute()
        stopped, calls = _stopped(asked, flags), self._read_calls(calls or [])
        return Answer(_ms(entry), self._read_orders(orders), stopped, calls)

    def look(self, tokens: set[str]) -> Glance:
        """Learn which work to stop, without a word: another agent speaks for the node by now."""
        me, asked = self._identity, sorted(tokens)
        pipe = self._client.pipeline(transaction=False)
        pipe.time()
        pipe.xrevrange(wire.beat_key(me.name), count=1)
        pipe.get(wire.orders_key(me.name))
        _ask(pipe, asked)
        (seconds, micros), beats, orders, *flags = pipe.execute()
        clock_ms = seconds * 1000 + micros // 1000
        silence = (clock_ms - _ms(beats[0][0])) / 1000 if beats else inf
        newest = self._open(beats[0][1][b"e"], wire.PURPOSE_BEAT) if beats else None
        is_over = bool(newest and newest.get("incarnation") != me.incarnation)
        is_over |= self._read_orders(orders).get("over") == me.incarnation
        return Glance(clock_ms, is_over, silence, _stopped(asked, flags))

    def hush(self) -> None:
        """Listen to nothing any more: the name belongs to another agent."""
        self._ear.close()

    def reaches_redis(self) -> bool:
        """Whether Redis answers."""
        try:
            return bool(self._client.ping())
        except (RedisError, OSError) as error:
            log.warning("redis.away", error=str(error))
            return False

    def answer(self, broadcast: str, *, ok: bool, data: dict[str, Any]) -> None:
        """Tell the Nexus what became of something that it called out."""
        body = {"id": broadcast, "ok": ok, "data": data}
        answers = wire.answers_key(broadcast)
        fields = {"n": self._identity.name, "e": self._seal(body, wire.PURPOSE_ANSWER)}
        pipe = self._client.pipeline(transaction=False)
        pipe.xadd(answers, fields, maxlen=ANSWERS_KEPT, approximate=True)
        pipe.expire(answers, ANSWERS_TTL_SECONDS)
        pipe.execute()

    def report(self, body: dict[str, Any]) -> None:
        """Put something on the node's report stream."""
        envelope = self._seal(body, wire.PURPOSE_REPORT)
        self._client.xadd(wire.report_key(self._identity.name), wire.pieces("e", envelope))

    def write_down(self, body: dict[str, Any], spool: Spool) -> None:
        """Leave a report on disk for the next agent. Raises `OSError`, as if full."""
        spool.put(self._seal(body, wire.PURPOSE_REPORT), done=body.get("bundle"))

    def send_probe(self, probe: str, task: str, *, ttl_seconds: int) -> None:
        """Put a bundle of our own before all others on our queue."""
        node = self._identity.name
        envelope = self._seal({"node": node, "probe": probe, "task": task}, wire.PURPOSE_PROBE)
        pipe = self._client.pipeline()
        pipe.hset(wire.bundle_key(probe), "data", envelope)
        pipe.expire(wire.bundle_key(probe), ttl_seconds)
        pipe.lpush(wire.queue_key(node), probe)
        pipe.execute()

    def hear_proof(self, probe: str) -> dict[str, Any] | None:
        """What a slot says of the probe, once it has."""
        envelope = self._client.get(wire.proof_key(self._identity.name))
        said = self._open(envelope, wire.PURPOSE_PROOF) if envelope else None
        return said if said and said.get("probe") == probe else None

    def drop_probe(self, probe: str) -> None:
        """Nobody waits for it any more."""
        self._client.lrem(wire.queue_key(self._identity.name), 0, probe)
        self.discard(probe)

    def replay(self, spool: Spool) -> None:
        """Send what waited on disk while Redis was away."""
        for spooled in spool:
            send_report(self._direct, self._identity.name, spooled.envelope, done=spooled.done)
            spool.drop(spooled)

    def listen(self, seconds: float, wakers: Sequence[int] = ()) -> bool:
        """See `Ear.listen`: a call is a wake-up."""
        return self._ear.listen(seconds, wakers)

    def sweep(self, bundles: set[str]) -> set[str]:
        """Bundles that some slot popped and that are none of `bundles`."""
        place = wire.intermediate_key(self._identity.name)
        popped = set(self._client.lrange(place, 0, -1))
        # Others of our pool may write there, too: what is no name must not stop us for good.
        for name in (junk := {each for each in popped if not each.isascii()}):
            self._client.lrem(place, 0, name)
        return {bundle.decode() for bundle in popped - junk} - bundles

    def discard(self, bundle: str) -> None:
        """Forget a bundle whose slot died; the Foreman sends its work again."""
        pipe = self._client.pipeline()
        pipe.lrem(wire.intermediate_key(self._identity.name), 0, bundle)
        pipe.delete(wire.bundle_key(bundle))
        pipe.execute()

    def close(self) -> None:
        """Let go of the sockets; in a forked child this touches only the child's copies."""
        self._ear.disconnect()
        disconnect(self._client.connection_pool)

    def _seal(self, body: dict[str, Any], purpose: str) -> bytes:
        me = self._identity
        whole = {"v": wire.PROTOCOL, "incarnation": me.incarnation, **body}
        return seal(json.dumps(whole), key=me.key, purpose=purpose)

    def _read_orders(self, envelope: bytes | None) -> dict[str, Any]:
        body = self._open(envelope, wire.PURPOSE_ORDER) if envelope else None
        return body or {}

    def _read_calls(self, envelopes: list[bytes]) -> tuple[Call, ...]:
        calls = []
        for envelope in envelopes:
            if body := self._open(envelope, wire.PURPOSE_COMMAND):
                try:
                    calls.append(read_call(body, node=self._identity.name))
                except ValueError as error:
                    log.warning("command.refused", reason=str(error))
        return tuple(calls)

    def _open(self, envelope: bytes, purpose: str) -> dict[str, Any] | None:
        """The message, if the Nexus sealed it for us, in our protocol."""
        try:
            body = unseal(envelope, key=self._identity.key, purpose=purpose)
        except Forged as error:
            log.warning(f"{purpose}.refused", reason=str(error))
            return None
        return body if isinstance(body, dict) and body.get("v") == wire.PROTOCOL else None


def _ask(pipe: Pipeline, tokens: list[str]) -> None:
    for token in tokens:
        pipe.exists(wire.cancel_key(token))


def _stopped(tokens: list[str], flags: list[int]) -> frozenset[str]:
    return frozenset(token for token, flag in zip(tokens, flags, strict=True) if flag)


def _ms(entry: bytes) -> int:
    """When an entry of a stream was added, in Unix milliseconds on Redis's clock."""
    return int(entry.partition(b"-")[0])
