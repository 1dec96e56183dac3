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
from nodes.domain.commands import Call, Heard
from nodes.spore.commands import reply_to
from nodes.spore.crew import MAX_SLOTS, Crew, stop_tokens
from nodes.spore.deadlines import FENCE_SECONDS
from nodes.spore.identity import AGENT_VERSION, Identity
from nodes.spore.limits import Limits
from nodes.spore.line import Answer, Line
from nodes.spore.sensors import Sensors
from nodes.spore.slots import SlotMain
from nodes.spore.spool import Spool

log = structlog.get_logger()
STEP_SECONDS = 0.1
STOP_PATIENCE_SECONDS = 10.0


class Agent:
    """One running Spore."""

    def __init__(
        self,
        identity: Identity,
        *,
        open_line: Callable[[Identity], Line],
        slot_main: SlotMain,
        sensors: Sensors,
        spool: Spool,
        limits: Limits,
    ) -> None:
        self.identity = identity
        self._open_line, self._line = open_line, open_line(identity)
        self._sensors, self._spool, self._limits = sensors, spool, limits
        self._crew = Crew(
            slot_main=slot_main,
            limits=limits,
            wanted=identity.slots,
            leave_behind=self._hang_up,
        )
        self._cancelled: frozenset[str] = frozenset()
        self._outbox: list[dict[str, Any]] = []
        self._orphans: set[str] = set()
        self._beat_at = 0.0
        #: The digest of what its slots can run; it stays the same until the agent ends.
        self._tasks = ""
        self._announced = False
        self._began_at = self._heard_at = boot_clock()
        self._calls = Heard()
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
        log.info("spore.starts", node=self.identity.name, slots=self._crew.wanted)
        while not self.stopping:
            self.step(time.monotonic())
        self._leave()

    def step(self, now: float) -> None:
        """One look at slots, deadlines and Redis; takes about STEP_SECONDS."""
        if boot_clock() - self._heard_at >= FENCE_SECONDS:
            self._crew.fence(now)
        self._outbox += self._crew.reap(now)
        self._crew.fill(self.identity, now)
        self._crew.enforce(now, self._cancelled)
        if not self._tasks and (loaded := self._crew.tasks()):
            self._tasks, self._beat_at, self._announced = loaded, 0.0, False
        try:
            # Before the first beat, which makes the Foreman close what an earlier start held.
            self._line.replay(self._spool)
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
        works = self._crew.works()
        tokens = {token for work in works if work.busy for token in stop_tokens(work)}
        wall = time.time()
        body = self._body(now)
        answer = self._line.beat(body, tokens)
        self._beat_at, self._heard_at = now, boot_clock()
        self._offset = answer.clock_ms / 1000 - wall
        self._crew.board.set_clock(offset_seconds=self._offset, stopping=self.stopping)
        self._obey(answer)
        self._sweep()
        if not self._announced:
            self._line.announce()
            self._announced = True
        for call in answer.calls:
            if self._calls.take(call, now=answer.clock_ms / 1000):
                self._answer(call, body)

    def _answer(self, call: Call, body: dict[str, Any]) -> None:
        """Do what was called out to us, and say so."""
        uptime = boot_clock() - self._began_at
        incarnation = self.identity.incarnation
        reply = reply_to(call, incarnation=incarnation, said=body, uptime_seconds=uptime)
        log.info("command.heard", command=call.command, broadcast=call.id, ok=reply.ok)
        self.stopping |= reply.ends
        self._line.answer(call.id, ok=reply.ok, data=reply.data)

    def _body(self, now: float) -> dict[str, Any]:
        me = self.identity
        clock = time.time() + self._offset
        running = [
            (w.attempt, clock - (now - w.started), w.progress, w.message)
            for w in self._crew.works()
            if w.busy and w.attempt
        ]
        return {
            **self._sensors.read(self._crew.pids()),
            "slots": self._crew.wanted,
            "labels": me.labels,
            "capabilities": list(me.capabilities),
            "release": me.release,
            "agent_version": AGENT_VERSION,
            "platform": me.platform,
            "running": running,
            "held_mb": self._crew.held_mb(),
            "trouble": self._limits.trouble(),
            "tasks": self._tasks,
        }

    def _obey(self, answer: Answer) -> None:
        self._cancelled = answer.cancelled
        wanted = min(answer.orders.get("slots") or self.identity.slots, MAX_SLOTS)
        before, self._crew.wanted = self._crew.wanted, wanted
        if before != wanted:
            self._beat_at = 0.0  # tell the Foreman at once
        if answer.orders.get("over") == self.identity.incarnation:
            self._start_anew()
        elif answer.cancelled:
            # Not only at the next step: somebody waits for it.
            self._crew.enforce(time.monotonic(), answer.cancelled)

    def _start_anew(self) -> None:
        """The Foreman gave this incarnation up: whatever it still runs belongs to others now."""
        log.warning("spore.given_up", incarnation=self.identity.incarnation)
        self._crew.kill_all()
        self._line.close()
        self._outbox.clear()
        self.identity = self.identity.reborn()
        self._line = self._open_line(self.identity)
        self._beat_at = 0.0

    def _sweep(self) -> None:
        """Hand back what a slot popped and died of before it could say so (two looks)."""
        orphans = self._line.sweep({work.bundle for work in self._crew.works()})
        for bundle in orphans & self._orphans:
            self._outbox.append({"bundle": bundle, "events": [{"k": "back", "all": True}]})
        self._orphans = orphans - self._orphans

    def _hang_up(self) -> None:
        self._line.close()

    def _leave(self) -> None:
        """Let running tasks end, in bounded time, and hand everything else back."""
        self._crew.board.set_clock(offset_seconds=self._offset, stopping=True)
        give_up_at = time.monotonic() + STOP_PATIENCE_SECONDS
        while self._crew and not self._hurry and time.monotonic() < give_up_at:
            now = time.monotonic()
            self._outbox += self._crew.reap(now)
            self._crew.enforce(now, self._cancelled)
            time.sleep(STEP_SECONDS / 5)
        self._crew.kill_all()
        try:
            self._line.replay(self._spool)
            self._talk(time.monotonic(), beat=False)
            self._line.report({"leaving": True, "events": []})
        except (RedisError, OSError) as error:
            log.warning("redis.away", error=str(error))
        self._line.close()
        log.info("spore.stopped", node=self.identity.name)

    def _on_signal(self, signum: int, frame: object) -> None:
        self._hurry, self.stopping = self.stopping, True


def boot_clock() -> float:
    """Seconds that go on while the machine sleeps, unlike the monotonic clock's."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))
