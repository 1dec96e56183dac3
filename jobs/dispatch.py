"""The Foreman's hands: pushes bundles to nodes, takes them back, reads the ledger.

Every verb is one Lua script that checks the epoch, and every one may be repeated.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import structlog
from redis import Redis
from redis.exceptions import NoScriptError
from rq.utils import utcformat

from hive_site.kernel.envelope import node_key, seal
from hive_site.kernel.errors import Deposed, Forgotten
from hive_site.kernel.redis import RedisError, load_script
from jobs.domain.backlog import Order
from jobs.domain.flight import Sent
from jobs.wire import BUNDLE_TTL_SECONDS, Piece, compose
from nodes import wire

log = structlog.get_logger()
LUA = Path(__file__).parent / "lua"
#: What Lua verbs answer when they refuse.
DEPOSED, FORGOTTEN = -1, -2
RQ_JOB_PREFIX = wire.bundle_key("")
CANCEL_TTL_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """A bundle in flight as the ledger keeps it."""

    bundle: str
    node: str
    incarnation: str
    job: str
    first: int
    subtasks: list[int]
    at: float
    gpus: tuple[int, ...]
    task: str
    memory_mb: int
    short: bool


class Dispatcher:
    """Redis, as one leader uses it. Raises `Deposed` as soon as another epoch leads."""

    def __init__(self, client: Redis, *, fleet_key: str) -> None:
        self._client, self._fleet_key = client, fleet_key
        self._push = load_script(client, LUA / "push.lua")
        self._reclaim = load_script(client, LUA / "reclaim_node.lua")
        self._withdraw = load_script(client, LUA / "withdraw.lua")
        self._abandon = load_script(client, LUA / "abandon.lua")
        self._remember = load_script(client, LUA / "remember.lua")
        self._keys: dict[str, bytes] = {}
        self._owed_cursors: dict[str, str] = {}
        self._owed_bundles: list[Sent] = []
        self.epoch = 0

    def push(self, batch: list[tuple[Sent, Order]], now: datetime) -> None:
        """Send bundles. Safe to repeat: a bundle that arrived is not sent twice."""
        calls = [self._push_call(sent, order, now) for sent, order in batch]
        try:
            answers = self._run(calls)
        except NoScriptError:  # Redis was restarted
            self._client.script_load(self._push.script)
            answers = self._run(calls)
        for answer in answers:
            self._heed(answer)

    def _heed(self, answer: Any) -> Any:
        """The answer of a Lua verb. Raises `Deposed` or `Forgotten` if it refused."""
        if answer == DEPOSED:
            raise Deposed(f"Redis knows another epoch than {self.epoch}")
        if answer == FORGOTTEN:
            raise Forgotten("Redis lost its memory")
        return answer

    def _run(self, calls: list[tuple[list[str], list[Any]]]) -> list[int]:
        pipe = self._client.pipeline(transaction=False)
        for keys, args in calls:
            pipe.evalsha(self._push.sha, len(keys), *keys, *args)
        return list(pipe.execute())

    def _push_call(self, sent: Sent, order: Order, now: datetime) -> tuple[list[str], list[Any]]:
        text = compose(
            node=sent.node,
            incarnation=sent.incarnation,
            job=sent.job,
            stop_token=order.stop_token,
            task=order.task,
            total=order.total,
            timeout=order.timeout,
            first=sent.first,
            kwargs=order.kwargs,
            pieces=[Piece(r.subtask, r.index, r.number, r.item) for r in sent.items],
            gpus=sent.gpus,
            idempotent=order.idempotent,
            now=now.timestamp(),
        )
        envelope = seal(text, key=self._key(sent.node), purpose=wire.PURPOSE_BUNDLE)
        keys = [
            wire.EPOCH,
            wire.bundle_key(sent.id),
            wire.queue_key(sent.node),
            wire.flight_key(sent.node),
        ]
        date, ttl = utcformat(now), BUNDLE_TTL_SECONDS * 100
        head, *rest = wire.pieces("data", envelope).items()
        more = [part for field in rest for part in field]
        entry = _write_entry(sent)
        return keys, [self.epoch, sent.id, head[1], entry, sent.node, date, ttl, *more]

    def reclaim(self, node: str) -> set[str]:
        """Empty a dead node's lists; the bundles that no slot had popped."""
        keys = [
            wire.EPOCH,
            wire.queue_key(node),
            wire.intermediate_key(node),
            wire.flight_key(node),
        ]
        answer = self._heed(self._reclaim(keys=keys, args=[self.epoch, RQ_JOB_PREFIX]))
        return {bundle.decode() for bundle in answer}

    def withdraw(self, sent: Sent) -> bool:
        """Take a bundle back if no slot has popped it."""
        keys = [
            wire.EPOCH,
            wire.queue_key(sent.node),
            wire.bundle_key(sent.id),
            wire.flight_key(sent.node),
        ]
        return bool(self._heed(self._withdraw(keys=keys, args=[self.epoch, sent.id])))

    def abandon(self, sent: Sent) -> bool:
        """Forget a bundle wherever it is; True if no slot had popped it."""
        keys = [
            wire.EPOCH,
            wire.queue_key(sent.node),
            wire.intermediate_key(sent.node),
            wire.bundle_key(sent.id),
            wire.flight_key(sent.node),
        ]
        return bool(self._heed(self._abandon(keys=keys, args=[self.epoch, sent.id])))

    def remember(self, bundles: Iterable[Sent]) -> None:
        """Make sure that the ledger has these bundles, after Redis lost its memory."""
        for sent in bundles:
            keys = [wire.EPOCH, wire.flight_key(sent.node)]
            self._heed(self._remember(keys=keys, args=[self.epoch, sent.id, _write_entry(sent)]))

    def settle(
        self, *, cursors: dict[str, str], bundles: Iterable[Sent], changed: str | None
    ) -> None:
        """Forget what was recorded: stream entries up to the cursors, ledger entries. Tell.

        The database has it, so an outage is no reason to stop: the rest is owed until next time.
        """
        self._owed_cursors |= cursors
        self._owed_bundles += bundles
        pipe = self._client.pipeline(transaction=False)
        for node, entry in self._owed_cursors.items():
            pipe.xtrim(wire.report_key(node), minid=_after(entry), approximate=False)
        for sent in self._owed_bundles:
            pipe.hdel(wire.flight_key(sent.node), sent.id)
        if changed:
            pipe.publish(wire.CHANGED, changed)
        try:
            pipe.execute()
        except (RedisError, OSError) as error:
            log.warning("redis.owed", bundles=len(self._owed_bundles), error=str(error))
            return
        self._owed_cursors, self._owed_bundles = {}, []

    def stop(self, stop_token: str, nodes: Iterable[str]) -> None:
        """Keep slots from starting anything of the token, and wake the agents that run some."""
        pipe = self._client.pipeline(transaction=False)
        pipe.set(wire.cancel_key(stop_token), "1", ex=CANCEL_TTL_SECONDS)
        for node in nodes:
            pipe.publish(wire.control_channel(node), "look")
        pipe.execute()

    def ledger(self, nodes: Iterable[str]) -> list[LedgerEntry]:
        """Every bundle in flight, as Redis knows it."""
        names = list(nodes)
        pipe = self._client.pipeline(transaction=False)
        for node in names:
            pipe.hgetall(wire.flight_key(node))
        return [
            _read_entry(node, bundle.decode(), json.loads(text))
            for node, entries in zip(names, pipe.execute(), strict=True)
            for bundle, text in entries.items()
        ]

    def whereabouts(self, nodes: Iterable[str]) -> set[str]:
        """The bundles that wait in queues or were popped by slots."""
        pipe = self._client.pipeline(transaction=False)
        for node in nodes:
            pipe.lrange(wire.queue_key(node), 0, -1)
            pipe.lrange(wire.intermediate_key(node), 0, -1)
        return {bundle.decode() for found in pipe.execute() for bundle in found}

    def _key(self, node: str) -> bytes:
        if node not in self._keys:
            self._keys[node] = node_key(self._fleet_key, node)
        return self._keys[node]


def _after(entry: str) -> str:
    milliseconds, _, sequence = entry.partition("-")
    return f"{milliseconds}-{int(sequence or 0) + 1}"


def _write_entry(sent: Sent) -> str:
    entry = {
        "i": sent.incarnation,
        "j": sent.job,
        "f": sent.first,
        "s": sent.subtasks,
        "t": sent.at,
        "g": sent.gpus,
        "k": sent.task,
        "m": sent.memory_mb,
        "h": sent.short,
    }
    return json.dumps(entry)


def _read_entry(node: str, bundle: str, entry: dict[str, Any]) -> LedgerEntry:
    return LedgerEntry(
        bundle=bundle,
        node=node,
        incarnation=entry["i"],
        job=entry["j"],
        first=entry["f"],
        subtasks=entry["s"],
        at=entry["t"],
        gpus=tuple(entry["g"]),
        task=entry.get("k", ""),
        memory_mb=entry.get("m", 0),
        short=entry.get("h", False),
    )
