"""A slot: a persistent RQ worker on the node's one queue that runs bundles item by item.

RQ pops (crash-safe, because it is one queue) and shows the worker to `rq info`. What RQ would do
around a job (57 commands, callbacks, its own retries) is left out: the Foreman does it.
"""

import os
import time
from functools import partial
from typing import Any

import structlog
from redis import Redis
from rq import Queue, SimpleWorker
from rq.serializers import JSONSerializer

from hive_site.kernel.crash import crash_point
from hive_site.kernel.envelope import Forged, unseal
from hive_site.kernel.errors import NotFound
from hive_site.kernel.redis import Direct, RedisError, connect
from jobs.descriptions import describe_all
from jobs.registry import Registry, Task
from jobs.spore.begun import Begun
from jobs.spore.capture import Capture
from jobs.spore.codecs import call
from jobs.spore.context import Context
from jobs.spore.devices import holds_devices, show_devices
from jobs.spore.doing import work_of
from jobs.spore.interruptions import Interruptions
from jobs.spore.log_reader import LogReader
from jobs.spore.payloads import DELIVERY_SECONDS, PayloadOptions, Payloads
from jobs.spore.popping import Popped, Popper
from jobs.spore.presence import SHOW_EVERY_SECONDS, Presence
from jobs.spore.proving import prove
from jobs.spore.reporter import Reporter
from jobs.spore.shared_cache import SharedCache
from jobs.spore.verdicts import Parts, describe, encode_result
from jobs.task_options import PICKLE
from jobs.wire import BUNDLE_TTL_SECONDS, Bundle, read_bundle
from nodes import wire
from nodes.spore.board import IDLE, Board, Work
from nodes.spore.identity import Identity
from nodes.spore.outage import Outage
from nodes.spore.spool import Spool

log = structlog.get_logger()
AWAY_SECONDS = 0.5
RECYCLE_AFTER_BUNDLES = 20_000
#: So long after an agent went live, what is sent to it may have been meant for the one before.
KNOWN_AFTER_SECONDS = 5.0
#: For a slot that was told of no Nexus: results travel as text.
NOWHERE = PayloadOptions()


class Slot(SimpleWorker):
    """One of a Spore's slots. `serve` runs until the board says stop."""

    connection_timeout = 0  # RQ would wait two minutes for a Redis that vanished

    def __init__(
        self,
        identity: Identity,
        board: Board,
        index: int,
        *,
        url: str,
        registry: Registry,
        spool: Spool,
        capture: Capture,
        payload_options: PayloadOptions = NOWHERE,
    ) -> None:
        name = wire.client_name(identity.name, identity.incarnation)
        client: Redis = connect(url, name=name, blocking=True)
        super().__init__(
            [Queue(identity.name, connection=client, serializer=JSONSerializer)],
            name=f"{identity.name}.{identity.incarnation}.{os.getpid()}",
            connection=client,
            serializer=JSONSerializer,
            worker_ttl=SHOW_EVERY_SECONDS * 4,
        )
        self._popper = Popper(Direct(client), identity.name, alone=identity.slots == 1)
        self._identity, self._board, self._cell = identity, board, board[index]
        self._registry, self._capture = registry, capture
        self._reporter = Reporter(connect(url, name=name), identity, spool, LogReader(capture))
        self.subject = self._reporter.subject
        self._cache = SharedCache(connect(url, name=name))
        self._interruptions = Interruptions(self._cell)
        self._payloads = Payloads(payload_options, identity, lambda: time.time() + board.clock()[0])
        self._presence = Presence(self, self._cell, tasks=describe_all(registry))
        self._begun, self._is_spent = Begun(spool.folder / "begun"), False
        self._outage = Outage()

    def serve(self) -> None:
        """Pop and run bundles, one at a time. Redis may be away meanwhile."""
        popped = None
        for left in reversed(range(RECYCLE_AFTER_BUNDLES)):
            popped = popped or self._next()
            if popped is None:
                break
            popped = self._run(popped, pop=left > 0)
            if self._is_spent:
                break
            self._presence.show_if_possible()
        self._presence.end()

    def _next(self) -> Popped | None:
        """The next bundle, or None when the slot is to end."""
        while not self._is_to_end():
            with self._outage.endured(AWAY_SECONDS):
                self._outage.refrain()
                self._presence.show()
                if popped := self._popper.wait():
                    return popped
        return None

    def _is_to_end(self) -> bool:
        return self._board.clock()[1] or self._cell.is_retired()

    def _run(self, popped: Popped, *, pop: bool) -> Popped | None:
        """Run a bundle. With `pop` the next one, if one waits."""
        crash_point("spore.popped")
        self._cell.write(Work(bundle=popped.id))
        try:
            if wire.is_probe(popped.id):
                self._prove(popped.id)
                bundle, halted = None, False
            else:
                bundle, halted = self._fetch(popped)
        except (RedisError, OSError) as error:
            # The id stays in RQ's intermediate list; the agent's sweep hands it back.
            log.warning("bundle.unread", bundle=popped.id, error=str(error))
            self._cell.write(IDLE)
            return None
        following = None
        if bundle is not None:
            self._reporter.begin(bundle)
            if halted or bundle.expires < time.time() + self._board.clock()[0]:
                self._reporter.happened({"k": "back", "all": True})
            else:
                self._run_items(bundle)
            pop = pop and not (self._is_spent or self._is_to_end())
            answers = self._reporter.end(self._popper.commands() if pop else ())
            following = self._popper.read(answers) if answers else None
        self._cell.write(Work(bundle=following.id) if following else IDLE)
        return following

    def _prove(self, probe: str) -> None:
        ends = self._board.clock()[1]  # then it asks about the agent that takes over
        prove(self.connection, self._identity, probe, None if ends else self._run_first)

    def _run_first(self, bundle: Bundle) -> str:
        return self._try(bundle, self._registry.get(bundle.task), bundle.items[0], bundle.first)

    def _fetch(self, popped: Popped) -> tuple[Bundle | None, bool]:
        """The bundle, and whether it is not to begin; None for what must never run here."""
        me, fields = self._identity, self._popper.fetch(popped)
        try:
            body = unseal(wire.whole("data", fields), key=me.key, purpose=wire.PURPOSE_BUNDLE)
            bundle = read_bundle(body, node=me.name, incarnation=me.incarnation)
            self._begun.check(bundle, me.incarnation)
        except (Forged, ValueError, KeyError, TypeError) as error:
            log.warning("bundle.refused", bundle=popped.id, reason=str(error))
            self.connection.lrem(wire.intermediate_key(me.name), 0, popped.id)
            return None, False
        return bundle, b"halted" in fields

    def _run_items(self, bundle: Bundle) -> None:
        if bundle.gpus and holds_devices():
            # Earlier work made up this process's mind about devices: let another one do it.
            self._reporter.hand_back(bundle, 0)
            self._is_spent = True
            return
        show_devices(bundle.gpus)
        self._run_each(bundle)
        # Whoever leases the devices next is to find their memory free.
        self._is_spent = bool(bundle.gpus) and holds_devices()

    def _run_each(self, bundle: Bundle) -> None:
        try:
            task = self._registry.get(bundle.task)
        except NotFound as error:
            if bundle.expires - BUNDLE_TTL_SECONDS <= self._board.live() + KNOWN_AFTER_SECONDS:
                # Whoever sent it could not know yet what this release lacks.
                self._reporter.hand_back(bundle, 0)
            else:
                self._reporter.refuse(bundle, str(error), time.time() + self._board.clock()[0])
            return
        self._capture.put_back()
        for position, item in enumerate(bundle.items):
            if self._board.clock()[1] or not self._reporter.take(position):
                self._reporter.hand_back(bundle, position)
                return
            self._run_item(bundle, task, item, bundle.first + position)

    def _run_item(
        self, bundle: Bundle, task: Task, item: tuple[int, int, int, Any], attempt: int
    ) -> None:
        begun, started = time.monotonic(), time.time() + self._board.clock()[0]
        self._cell.write(work_of(bundle, attempt, begun))
        try:
            result = self._try(bundle, task, item, attempt)
        except BaseException as error:  # noqa: BLE001 whatever a task raises is its own failure
            ended = started + time.monotonic() - begun
            fields = {**describe(error), "a": attempt, "t0": started, "t1": ended}
            self._reporter.failed(fields)
        else:
            crash_point("spore.ran")
            ended = started + time.monotonic() - begun
            if self._payloads.is_large(result):
                result = self._leave(result, attempt)
            self._reporter.succeeded(attempt, started, ended, result)

    def _try(
        self, bundle: Bundle, task: Task, item: tuple[int, int, int, Any], attempt: int
    ) -> str:
        """What the task returns, as JSON text. What it raises comes out as it is."""
        ctx = Context(
            bundle=bundle,
            item=item,
            attempt_id=attempt,
            node=self._identity.name,
            release=self._identity.release,
            cell=self._cell,
            cache=self._cache,
            say=self._capture.say,
            report=self._tell,
        )
        packed = task.codec == PICKLE
        share = partial(self._share, Parts(attempt, packed=packed))
        self._interruptions.attempt = attempt
        try:
            given, kwargs = self._payloads.open(item[3]), self._payloads.open(bundle.kwargs)
            return encode_result(call(task, ctx, given, kwargs, share=share), packed=packed)
        finally:
            self._interruptions.attempt = 0
            self._capture.put_back()

    def _share(self, parts: Parts, value: Any) -> None:
        event = parts.encode(value)
        self._tell(event, len(event["value"]))

    def _tell(self, event: dict[str, Any], size: int) -> None:
        # Whoever is interrupted here would leave the reporter locked.
        with self._interruptions.put_off():
            self._reporter.happened(event, size)

    def _leave(self, result: str, attempt: int) -> str:
        """Bring a large result to the Nexus, in time of its own: the task's is over."""
        self._cell.amend(attempt, limit=time.monotonic() + DELIVERY_SECONDS)
        return self._payloads.leave(result)
