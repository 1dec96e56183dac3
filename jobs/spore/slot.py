"""A slot: a persistent RQ worker on the node's one queue that runs bundles item by item.

RQ pops (crash-safe, because it is one queue) and shows the worker to `rq info`. What RQ would do
around a job (57 commands, callbacks, its own retries) is left out: the Foreman does it.
"""

import os
import signal
import time
from types import FrameType
from typing import Any

import structlog
from redis import Redis
from rq import Queue, SimpleWorker
from rq.exceptions import DequeueTimeout
from rq.serializers import JSONSerializer

from hive_site.kernel.crash import crash_point
from hive_site.kernel.envelope import Forged, unseal
from hive_site.kernel.errors import NotFound
from hive_site.kernel.redis import RedisError, connect
from jobs.outcomes import TaskCancelled, TaskTimeout
from jobs.registry import Registry, Task
from jobs.spore.context import Context, SharedCache
from jobs.spore.reporter import Reporter
from jobs.spore.runner import run_item
from jobs.spore.verdicts import describe, encode_result
from jobs.wire import Bundle, read_bundle
from nodes import wire
from nodes.spore.board import CANCEL, IDLE, NONE, Board, Work
from nodes.spore.identity import Identity
from nodes.spore.slots import SOFT_STOP
from nodes.spore.spool import Spool

log = structlog.get_logger()
POP_SECONDS = 1
AWAY_SECONDS = 0.5
RECYCLE_AFTER_BUNDLES = 20_000
RQ_HEARTBEAT_SECONDS = 30


class Slot(SimpleWorker):
    """One of a Spore's slots. `serve` runs until the board says stop."""

    def __init__(
        self,
        identity: Identity,
        board: Board,
        index: int,
        *,
        url: str,
        registry: Registry,
        spool: Spool,
    ) -> None:
        name = wire.client_name(identity.name, identity.incarnation)
        client: Redis = connect(url, name=name, blocking=True)
        queue = Queue(identity.name, connection=client, serializer=JSONSerializer)
        super().__init__(
            [queue],
            name=f"{identity.name}-{identity.incarnation}-{os.getpid()}",
            connection=client,
            serializer=JSONSerializer,
            worker_ttl=RQ_HEARTBEAT_SECONDS * 4,
        )
        self._identity, self._board, self._cell = identity, board, board[index]
        self._registry = registry
        self._reporter = Reporter(connect(url, name=name), identity, spool)
        self._cache = SharedCache(connect(url, name=name))
        self._attempt = 0
        self._beat_at = 0.0
        signal.signal(SOFT_STOP, self._on_soft_stop)

    def serve(self) -> None:
        """Pop and run bundles, one at a time. Redis may be away meanwhile."""
        for _ in range(RECYCLE_AFTER_BUNDLES):
            bundle_id = self._next()
            if bundle_id is None:
                break
            self._run(bundle_id)
        self._forget_birth()

    def _next(self) -> str | None:
        """The next bundle's id, or None when the slot is to end."""
        while not self._board.clock()[1]:
            try:
                self._show_in_rq()
                _, popped = Queue.lmove(self.connection, self.queues[0].key, POP_SECONDS)
                return str(popped.decode())
            except DequeueTimeout:
                continue
            except (RedisError, OSError) as error:
                log.warning("redis.away", error=str(error))
                time.sleep(AWAY_SECONDS)
        return None

    def _run(self, bundle_id: str) -> None:
        crash_point("spore.popped")
        self._cell.write(Work(bundle=bundle_id))
        try:
            bundle, cancelled = self._fetch(bundle_id)
        except (RedisError, OSError) as error:
            # The id stays in RQ's intermediate list; the agent's sweep hands it back.
            log.warning("bundle.unread", bundle=bundle_id, error=str(error))
            self._cell.write(IDLE)
            return
        if bundle is not None:
            self._reporter.begin(bundle)
            if cancelled or bundle.expires < time.time() + self._board.clock()[0]:
                self._reporter.happened({"k": "back", "all": True})
            else:
                self._run_items(bundle)
            self._reporter.end()
        self._cell.write(IDLE)

    def _fetch(self, bundle_id: str) -> tuple[Bundle | None, bool]:
        """The bundle, and whether its job was cancelled; None for what must never run here."""
        sealed = wire.whole("data", self.connection.hgetall(wire.bundle_key(bundle_id)))
        try:
            body = unseal(sealed, key=self._identity.key, purpose=wire.PURPOSE_BUNDLE)
            me = self._identity
            bundle = read_bundle(body, node=me.name, incarnation=me.incarnation)
        except (Forged, ValueError, KeyError, TypeError) as error:
            log.warning("bundle.refused", bundle=bundle_id, reason=str(error))
            self.connection.lrem(wire.intermediate_key(self._identity.name), 0, bundle_id)
            return None, False
        return bundle, bool(self.connection.exists(wire.cancel_key(bundle.stop_token)))

    def _run_items(self, bundle: Bundle) -> None:
        os.environ["CUDA_VISIBLE_DEVICES"] = ",".join(map(str, bundle.gpus))
        try:
            task = self._registry.get(bundle.task)
        except NotFound as error:
            self._refuse(bundle, str(error))
            return
        for position, item in enumerate(bundle.items):
            if self._board.clock()[1] or not self._reporter.take(position):
                self._hand_back(bundle, position)
                return
            self._run_item(bundle, task, item, bundle.first + position)

    def _run_item(
        self, bundle: Bundle, task: Task, item: tuple[int, int, int, Any], attempt: int
    ) -> None:
        me, begun = self._identity, time.monotonic()
        started = time.time() + self._board.clock()[0]
        limit = begun + bundle.timeout
        self._cell.write(
            Work(
                busy=True,
                attempt=attempt,
                started=begun,
                limit=limit,
                bundle=bundle.id,
                stop_token=bundle.stop_token,
                careful=not bundle.idempotent,
            )
        )
        try:
            ctx = Context(
                bundle=bundle,
                item=item,
                attempt_id=attempt,
                node=me.name,
                release=me.release,
                cell=self._cell,
                cache=self._cache,
                report=self._reporter.happened,
            )
            self._attempt = attempt
            try:
                result = encode_result(run_item(task, ctx, item[3], bundle.kwargs))
            finally:
                self._attempt = 0
        except BaseException as error:  # noqa: BLE001 whatever a task raises is its own failure
            ended = started + time.monotonic() - begun
            fields = {**describe(error), "a": attempt, "t0": started, "t1": ended}
            self._reporter.happened(fields)
        else:
            crash_point("spore.ran")
            ended = started + time.monotonic() - begun
            self._reporter.succeeded(attempt, started, ended, result)

    def _hand_back(self, bundle: Bundle, position: int) -> None:
        back = [bundle.first + p for p in range(position, len(bundle.items))]
        self._reporter.happened({"k": "back", "attempts": back})

    def _refuse(self, bundle: Bundle, reason: str) -> None:
        error = {"type": "unknown_task", "message": reason, "traceback": ""}
        clock = time.time() + self._board.clock()[0]
        for position in range(len(bundle.items)):
            attempt = bundle.first + position
            self._reporter.happened(
                {"k": "fail", "a": attempt, "e": error, "t0": clock, "t1": clock}
            )

    def _on_soft_stop(self, signum: int, frame: FrameType | None) -> None:
        """The agent wants the running attempt to end: raise in the middle of the task."""
        what = self._cell.ordered(self._attempt) if self._attempt else NONE
        if what == NONE:
            return
        self._attempt = 0
        raise TaskCancelled("cancelled") if what == CANCEL else TaskTimeout("ran past its timeout")

    def _show_in_rq(self) -> None:
        """Let `rq info` see this worker."""
        now = time.monotonic()
        if now - self._beat_at < RQ_HEARTBEAT_SECONDS and self._beat_at:
            return
        # Its name is unique, so whatever is there is its own: a greeting that was cut short.
        if not self.connection.exists(self.key):
            self.register_birth()
        self.heartbeat()
        self._beat_at = now

    def _forget_birth(self) -> None:
        try:
            self.register_death()
        except (RedisError, OSError):
            log.warning("redis.away", worker=self.name)


def serve_slot(
    identity: Identity, board: Board, index: int, *, url: str, modules: list[str], spool: Spool
) -> None:
    """The main function of a slot process."""
    from jobs.registry import load_tasks

    registry = load_tasks(modules)
    while not board.clock()[1]:
        try:
            slot = Slot(identity, board, index, url=url, registry=registry, spool=spool)
        except (RedisError, OSError) as error:
            # RQ gives the connection its name; a slot may start while Redis is away.
            log.warning("redis.away", error=str(error))
            time.sleep(AWAY_SECONDS)
        else:
            slot.serve()
            return
