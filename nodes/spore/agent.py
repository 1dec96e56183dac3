"""The agent: parent of the slots, and the only one who speaks for the machine.

It has one thread, so that it may fork, and it never runs a task, so that no task can make it
late. Redis may be away at any time; slots and deadlines go on without it.
"""

import signal
import time
from collections.abc import Callable
from typing import Any

import structlog

from hive_site.kernel.errors import Invalid
from hive_site.kernel.redis import RedisError
from nodes import wire
from nodes.spore.board import CANCEL, TIMEOUT, Board
from nodes.spore.deadlines import Act, Asked, decide
from nodes.spore.identity import AGENT_VERSION, Identity
from nodes.spore.line import Answer, Line
from nodes.spore.sensors import Sensors
from nodes.spore.slots import Ended, SlotMain, SlotProcess, start_slot

log = structlog.get_logger()
STEP_SECONDS = 0.1
MAX_SLOTS = 256
STOP_PATIENCE_SECONDS = 10.0
RESTART_BACKOFF_SECONDS = (0.0, 0.0, 0.5, 1, 2, 5, 10, 30)
#: A slot that lived this long is healthy again, whatever came before.
HEALTHY_AFTER_SECONDS = 60.0
WHY = {CANCEL: "cancelled", TIMEOUT: "timeout"}


class Agent:
    """One running Spore."""

    def __init__(
        self,
        identity: Identity,
        *,
        open_line: Callable[[Identity], Line],
        slot_main: SlotMain,
        sensors: Sensors,
    ) -> None:
        self.identity = identity
        self._open_line, self._line = open_line, open_line(identity)
        self._slot_main, self._sensors = slot_main, sensors
        self._board = Board(MAX_SLOTS)
        self._slots: dict[int, SlotProcess] = {}
        self._wanted = identity.slots
        self._asked: dict[int, Asked] = {}
        self._deaths: dict[int, list[float]] = {}
        self._cancelled: frozenset[str] = frozenset()
        self._outbox: list[dict[str, Any]] = []
        self._orphans: set[str] = set()
        self._beat_at = 0.0
        self._offset = 0.0
        self.stopping = False
        self._hurry = False

    def check_name_is_free(self) -> None:
        """Raises `Invalid` if another living Spore has this name."""
        if self._line.is_taken():
            name = self.identity.name
            raise Invalid(f"a Spore named {name!r} is running; give another --name", field="name")

    def run(self) -> None:
        """Serve until SIGTERM or SIGINT; a second one does not wait for running tasks."""
        for signum in (signal.SIGTERM, signal.SIGINT):
            signal.signal(signum, self._on_signal)
        log.info("spore.starts", node=self.identity.name, slots=self._wanted)
        while not self.stopping:
            self.step(time.monotonic())
        self._leave()

    def step(self, now: float) -> None:
        """One look at slots, deadlines and Redis; takes about STEP_SECONDS."""
        self._reap(now)
        self._fill(now)
        self._enforce(now)
        try:
            due = now - self._beat_at >= wire.BEAT_SECONDS
            if due or self._outbox:
                self._talk(now, beat=due)
            if self._line.listen(STEP_SECONDS):
                self._beat_at = 0.0
        except (RedisError, OSError) as error:
            log.warning("redis.away", error=str(error))
            time.sleep(STEP_SECONDS * 5)

    def _talk(self, now: float, *, beat: bool) -> None:
        while self._outbox:
            body = self._outbox[0]
            self._line.report(body)
            if body.get("bundle"):
                self._line.discard(body["bundle"])
            self._outbox.pop(0)
        if beat:
            self._beat(now)

    def _beat(self, now: float) -> None:
        first = not self._offset
        works = [slot.cell.read() for slot in self._slots.values()]
        tokens = {work.stop_token for work in works if work.busy}
        wall = time.time()
        answer = self._line.beat(self._body(now), tokens)
        self._beat_at = now
        self._offset = answer.clock_ms / 1000 - wall
        self._board.set_clock(offset_seconds=self._offset, stopping=self.stopping)
        self._obey(answer)
        self._sweep()
        if first:
            self._line.announce()

    def _body(self, now: float) -> dict[str, Any]:
        me = self.identity
        clock = time.time() + self._offset
        running = [
            (w.attempt, clock - (now - w.started), w.progress, w.message)
            for w in (slot.cell.read() for slot in self._slots.values())
            if w.busy and w.attempt
        ]
        return {
            **self._sensors.read([slot.pid for slot in self._slots.values()]),
            "slots": self._wanted,
            "labels": me.labels,
            "capabilities": list(me.capabilities),
            "release": me.release,
            "agent_version": AGENT_VERSION,
            "platform": me.platform,
            "running": running,
        }

    def _obey(self, answer: Answer) -> None:
        self._cancelled = answer.cancelled
        wanted = answer.orders.get("slots")
        before, self._wanted = self._wanted, min(wanted or self.identity.slots, MAX_SLOTS)
        if before != self._wanted:
            self._beat_at = 0.0  # tell the Foreman at once
        if answer.orders.get("over") == self.identity.incarnation:
            self._start_anew()
        elif answer.cancelled:
            self._enforce(time.monotonic())  # not only at the next step: somebody waits for it

    def _start_anew(self) -> None:
        """The Foreman gave this incarnation up: whatever it still runs belongs to others now."""
        log.warning("spore.given_up", incarnation=self.identity.incarnation)
        self._kill_all()
        self._line.close()
        self._outbox.clear()
        self.identity = self.identity.reborn()
        self._line = self._open_line(self.identity)
        self._beat_at = 0.0

    def _sweep(self) -> None:
        """Hand back what a slot popped and died of before it could say so (two looks)."""
        held = {slot.cell.read().bundle for slot in self._slots.values()}
        orphans = self._line.sweep(held)
        for bundle in orphans & self._orphans:
            self._outbox.append({"bundle": bundle, "events": [{"k": "back", "all": True}]})
        self._orphans = orphans - self._orphans

    def _fill(self, now: float) -> None:
        for index in range(self._wanted):
            if index not in self._slots and now >= self._restart_at(index):
                # Nothing of the agent's sockets may stay open in the child, or they would
                # prove it alive after its death.
                self._slots[index] = start_slot(self._serve, self.identity, self._board, index)

    def _serve(self, identity: Identity, board: Board, index: int) -> None:
        self._line.close()
        self._slot_main(identity, board, index)

    def _restart_at(self, index: int) -> float:
        deaths = self._deaths.get(index, [])
        if not deaths:
            return 0.0
        step = min(len(deaths), len(RESTART_BACKOFF_SECONDS) - 1)
        return deaths[-1] + RESTART_BACKOFF_SECONDS[step]

    def _reap(self, now: float) -> None:
        for index, slot in list(self._slots.items()):
            ended = slot.reap()
            if ended:
                del self._slots[index]
                self._mourn(ended, now)

    def _mourn(self, ended: Ended, now: float) -> None:
        asked = self._asked.pop(ended.index, None)
        if ended.clean:
            return
        recent = [t for t in self._deaths.get(ended.index, []) if now - t < HEALTHY_AFTER_SECONDS]
        self._deaths[ended.index] = [*recent, now]
        work = ended.work
        why = WHY[asked.why] if asked and asked.attempt == work.attempt else "crashed"
        log.warning("slot.died", slot=ended.index, how=ended.how, why=why, attempt=work.attempt)
        if work.bundle:
            event = {"k": "died", "a": work.attempt, "why": why, "how": ended.how}
            self._outbox.append({"bundle": work.bundle, "events": [event]})

    def _enforce(self, now: float) -> None:
        for index, slot in self._slots.items():
            work = slot.cell.read()
            asked = self._asked.get(index)
            act, why = decide(work, asked, cancelled=work.stop_token in self._cancelled, now=now)
            if act is Act.ASK:
                self._asked[index] = Asked(work.attempt, why, now)
                slot.interrupt(work.attempt, why)
            elif act is Act.KILL:
                slot.kill()
        for index in [i for i in self._slots if i >= self._wanted]:
            self._retire(index)

    def _retire(self, index: int) -> None:
        """Fewer slots are wanted: end this one once it is idle."""
        slot = self._slots[index]
        if not slot.cell.read().bundle:
            slot.kill()

    def _leave(self) -> None:
        """Let running tasks end, in bounded time, and hand everything else back."""
        self._board.set_clock(offset_seconds=self._offset, stopping=True)
        give_up_at = time.monotonic() + STOP_PATIENCE_SECONDS
        while self._slots and not self._hurry and time.monotonic() < give_up_at:
            now = time.monotonic()
            self._reap(now)
            self._enforce(now)
            time.sleep(STEP_SECONDS / 5)
        # What is cut short now is no crash: the goodbye gives it back with everything else.
        told = list(self._outbox)
        self._kill_all()
        self._outbox = told
        try:
            self._talk(time.monotonic(), beat=False)
            self._line.report({"leaving": True, "events": []})
        except (RedisError, OSError) as error:
            log.warning("redis.away", error=str(error))
        self._line.close()
        log.info("spore.stopped", node=self.identity.name)

    def _kill_all(self) -> None:
        """End every slot. It is no crash of what they ran: the Foreman takes that back as lost."""
        for slot in self._slots.values():
            slot.kill()
        while self._slots:
            self._slots = {i: slot for i, slot in self._slots.items() if slot.reap() is None}
            time.sleep(0.005)

    def _on_signal(self, signum: int, frame: object) -> None:
        self._hurry, self.stopping = self.stopping, True
