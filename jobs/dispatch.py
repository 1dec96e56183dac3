"""The Foreman's hands: pushes bundles to nodes, takes them back, reads the ledger.

Every verb is one Lua script that checks the epoch, and every one may be repeated.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import structlog
from redis import Redis
from redis.exceptions import NoScriptError
from rq.utils import utcformat

from hive_site.kernel.envelope import Forged, seal
from hive_site.kernel.errors import Deposed, Forgotten
from hive_site.kernel.redis import Direct, RedisError, load_script
from jobs.domain.backlog import Order
from jobs.domain.flight import Sent
from jobs.ledger import LedgerEntry, ledger_key, read_entry, write_entry
from jobs.wire import BUNDLE_TTL_SECONDS, Piece, compose
from nodes import wire
from nodes.keyring import Keyring

log = structlog.get_logger()
LUA = Path(__file__).parent / "lua"
#: What Lua verbs answer when they refuse.
DEPOSED, FORGOTTEN = -1, -2
RQ_JOB_PREFIX = wire.bundle_key("")
CANCEL_TTL_SECONDS = 86_400


class Dispatcher:
    """Redis, as one leader uses it. Raises `Deposed` as soon as another epoch leads."""

    def __init__(self, client: Redis, *, keyring: Keyring) -> None:
        self._client, self._direct, self._keyring = client, Direct(client), keyring
        self._push = load_script(client, LUA / "push.lua")
        self._reclaim = load_script(client, LUA / "reclaim_node.lua")
        self._withdraw = load_script(client, LUA / "withdraw.lua")
        self._abandon = load_script(client, LUA / "abandon.lua")
        self._remember = load_script(client, LUA / "remember.lua")
        self._ledger_key = ledger_key(keyring)
        self._owed_cursors: dict[str, str] = {}
        self._owed_bundles: list[Sent] = []
        self.epoch = 0

    def push(self, batch: list[tuple[Sent, Order]], now: datetime) -> None:
        """Send bundles. Safe to repeat: a bundle that arrived is not sent twice."""
        date = utcformat(now)
        calls = [self._push_call(sent, order, now, date) for sent, order in batch]
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
        commands = [("EVALSHA", self._push.sha, len(keys), *keys, *args) for keys, args in calls]
        return self._direct.ask(*commands)

    def _push_call(
        self, sent: Sent, order: Order, now: datetime, date: str
    ) -> tuple[list[str], list[Any]]:
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
            traceparent=order.traceparent,
        )
        envelope = seal(text, key=self._keyring.key_of(sent.node), purpose=wire.PURPOSE_BUNDLE)
        keys = [
            wire.EPOCH,
            wire.bundle_key(sent.id),
            wire.queue_key(sent.node),
            wire.flight_key(sent.node),
        ]
        ttl = BUNDLE_TTL_SECONDS * 100
        head, *rest = wire.pieces("data", envelope).items()
        more = [part for field in rest for part in field]
        entry = self._entry(sent)
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
        return {bundle.decode(errors="replace") for bundle in answer}

    def withdraw(self, sent: Sent, *, halt: bool = False) -> bool:
        """Take a bundle back if no slot has popped it; with `halt`, one that has does not begin."""
        keys = [
            wire.EPOCH,
            wire.queue_key(sent.node),
            wire.bundle_key(sent.id),
            wire.flight_key(sent.node),
        ]
        return bool(
            self._heed(
                self._withdraw(keys=keys, args=[self.epoch, sent.id, "halt" if halt else ""])
            )
        )

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
            self._heed(self._remember(keys=keys, args=[self.epoch, sent.id, self._entry(sent)]))

    def settle(
        self, *, cursors: dict[str, str], bundles: Iterable[Sent], changed: str | None
    ) -> None:
        """Forget what was recorded: stream entries up to the cursors, ledger entries. Tell.

        The database has it, so an outage is no reason to stop: the rest is owed until next time.
        """
        self._owed_cursors |= cursors
        self._owed_bundles += bundles
        # First of all: somebody waits for it.
        commands: list[tuple[str, ...]] = [("PUBLISH", wire.CHANGED, changed)] if changed else []
        for node, entry in self._owed_cursors.items():
            commands.append(("XTRIM", wire.report_key(node), "MINID", "=", _after(entry)))
        for node, ids in _by_node(self._owed_bundles).items():
            commands.append(("HDEL", wire.flight_key(node), *ids))
        try:
            self._direct.ask(*commands)
        except (RedisError, OSError) as error:
            log.warning("redis.owed", bundles=len(self._owed_bundles), error=str(error))
            return
        self._owed_cursors, self._owed_bundles = {}, []

    def stop(self, stop_token: str, nodes: Iterable[str]) -> None:
        """Have agents end whatever is of the token, and wake those that run some."""
        self._client.set(wire.cancel_key(stop_token), "1", ex=CANCEL_TTL_SECONDS)
        self.wake(nodes)

    def wake(self, nodes: Iterable[str]) -> None:
        """Have the agents of these nodes look what they are to stop."""
        pipe = self._client.pipeline(transaction=False)
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
            entry
            for node, entries in zip(names, pipe.execute(), strict=True)
            for entry in self._read(node, entries)
        ]

    def _entry(self, sent: Sent) -> bytes:
        return write_entry(sent, key=self._ledger_key)

    def _read(self, node: str, entries: dict[bytes, bytes]) -> Iterator[LedgerEntry]:
        """Those that a Foreman wrote. What else is there was never sent by any."""
        for name, data in entries.items():
            bundle = name.decode(errors="replace")
            try:
                yield read_entry(node, bundle, data, key=self._ledger_key)
            except Forged as error:
                log.warning("ledger.refused", node=node, bundle=bundle, reason=str(error))

    def whereabouts(self, nodes: Iterable[str]) -> set[str]:
        """The bundles that wait in queues or were popped by slots."""
        pipe = self._client.pipeline(transaction=False)
        for node in nodes:
            pipe.lrange(wire.queue_key(node), 0, -1)
            pipe.lrange(wire.intermediate_key(node), 0, -1)
        return {bundle.decode(errors="replace") for found in pipe.execute() for bundle in found}


def _by_node(bundles: Iterable[Sent]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for sent in bundles:
        found.setdefault(sent.node, []).append(sent.id)
    return found


def _after(entry: str) -> str:
    milliseconds, _, sequence = entry.partition("-")
    following = int(sequence or 0) + 1
    # A node may choose the ids of its reports; behind the last of a millisecond comes the next one.
    return f"{int(milliseconds) + following // 2**64}-{following % 2**64}"
