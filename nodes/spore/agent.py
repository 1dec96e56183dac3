"""The agent: parent of the slots, and the only one who speaks for the machine.

It has one thread, so that it may fork, and it never runs a task, so that no task can make it
late. Redis may be away at any time; slots and deadlines go on without it.
"""

import time
from collections.abc import Callable
from typing import Any

import structlog

from nodes import wire
from nodes.domain.commands import Call, Command, Heard
from nodes.spore.bell import Bell
from nodes.spore.clocks import boot_clock
from nodes.spore.commands import reply_to
from nodes.spore.crew import MAX_SLOTS, Crew, stop_tokens
from nodes.spore.deadlines import FENCE_SECONDS
from nodes.spore.debut import Debut
from nodes.spore.identity import Identity
from nodes.spore.leash import ALONE, Launch, LauncherGone
from nodes.spore.leaving import Estate, leave
from nodes.spore.limits import Limits
from nodes.spore.line import Answer, Line
from nodes.spore.orphans import Orphans
from nodes.spore.outage import Outage
from nodes.spore.outbox import send_all
from nodes.spore.retirement import Retirement
from nodes.spore.sensors import Sensors
from nodes.spore.slots import SlotMain
from nodes.spore.spool import Spool
from nodes.spore.ward import Ward
from nodes.spore.works import compose_beat

log = structlog.get_logger()
STEP_SECONDS = 0.1
#: The same while nothing runs: so late may it be seen at most that something was begun.
CALM_STEP_SECONDS = 0.5


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
        launch: Launch = ALONE,
    ) -> None:
        self.identity = identity
        self._open_line, self._line = open_line, open_line(identity)
        self._sensors, self._spool, self._limits = sensors, spool, limits
        self._crew = Crew(
            slot_main=slot_main,
            limits=limits,
            wanted=identity.slots,
            leave_behind=self._hang_up,
            gated=launch.gated,
        )
        self._launch, self._ward = launch, Ward(launch.leash)
        self._debut = Debut(self._ward, gated=launch.gated)
        self._orphans, self._outage = Orphans(self._ward.elders), Outage(launch.pulse)
        self._cancelled: frozenset[str] = frozenset()
        self._outbox: list[dict[str, Any]] = []
        self._beat_at, self._announced = 0.0, False
        #: The digest of what its slots can run; it stays the same until the agent ends.
        self._tasks = ""
        self._began_at = self._heard_at = boot_clock()
        self._calls, self._bell = Heard(), Bell()
        self._wakers = [self._bell.fileno(), *launch.leash.wakers()]
        self.stopping, self._signals, self._offset = False, 0, 0.0

    def check_name_is_free(self) -> None:
        """Raises `Invalid` if another living Spore has this name, `RedisError` if nobody knows;
        a Spore with a launcher starts while Redis is away, too."""
        self._debut.check_name_is_free(self._line, self.identity.name)

    def run(self) -> None:
        """Serve until SIGTERM or SIGINT; a second one does not wait for running tasks.

        Raises `Unfit` if it was started behind a gate and its tasks cannot be loaded.
        """
        log.info("spore.starts", node=self.identity.name, slots=self._crew.wanted)
        try:
            with self._bell.rung_by_signals(self._on_signal):
                self._wait_at_gate()
                while not self.stopping and self._ward.retires_within is None:
                    self.step(time.monotonic())
                self._end()
        except LauncherGone:
            log.warning("launcher.gone", node=self.identity.name)
            raise SystemExit(1) from None
        finally:
            self._crew.kill_all()

    def step(self, now: float) -> None:
        """One look at slots, deadlines and Redis, and a rest that ends when something happens."""
        self._ward.heed()
        if self._ward.retires_within is not None:
            return  # another one beats from here on, and hears what is called out
        if boot_clock() - self._heard_at >= FENCE_SECONDS:
            self._crew.fence(now)
        self._outbox += self._debut.leave_out(self._crew.reap(now))
        self._crew.fill(self.identity, now)
        self._crew.enforce(now, self._cancelled)
        if not self._tasks and (loaded := self._crew.tasks()):
            self._tasks, self._beat_at, self._announced = loaded, 0.0, False
        with self._outage.endured(STEP_SECONDS * 5):
            self._outage.refrain()
            # Before the first beat, which makes the Foreman close what an earlier start held.
            self._line.replay(self._spool)
            due = now - self._beat_at >= wire.BEAT_SECONDS
            due = due and self._debut.may_beat(now, loaded=bool(self._tasks))
            send_all(self._line, self._outbox)
            if due:
                self._beat(now)
            self._debut.follow(self._line, now)
            if self._line.listen(self._rest(now), self._wakers):
                self._beat_at = 0.0
            self._bell.quiet()

    def _rest(self, now: float) -> float:
        """How long nothing is missed that wakes nobody."""
        most = CALM_STEP_SECONDS if self._debut.is_over and self._crew.is_calm() else STEP_SECONDS
        # A heartbeat that is due and may not be sent is no reason to hurry.
        return min(max(self._beat_at + wire.BEAT_SECONDS - now, STEP_SECONDS), most)

    def _wait_at_gate(self) -> None:
        gate, ward = self._crew.board.gate, self._ward
        while not (gate.is_open or self.stopping or ward.retires_within is not None):
            if self._debut.wait_at_gate(self._crew, self._line, self.identity, time.monotonic()):
                if not self._launch.incarnation:
                    self.check_name_is_free()
                # However long it waited: nobody counted on it meanwhile.
                self._heard_at = boot_clock()
                self._crew.open_gate()
                if ward.goes_anew:
                    self._start_anew()
            else:
                ward.heed(STEP_SECONDS)

    def _beat(self, now: float) -> None:
        tokens = {token for work in self._crew.works() if work.busy for token in stop_tokens(work)}
        wall, body = time.time(), self._body(now)
        answer = self._line.beat(body, tokens)
        clock = answer.clock_ms / 1000
        self._beat_at, self._heard_at = now, boot_clock()
        self._offset = clock - wall
        self._launch.pulse.beat("beats")
        self._crew.board.set_clock(offset_seconds=self._offset, stopping=self.stopping)
        self._debut.begin(self._crew, self.identity, now=now, clock=clock)
        self._obey(answer)
        mine = {work.bundle for work in self._crew.works()}
        self._outbox += self._orphans.sweep(self._line, mine, now=now, clock=clock)
        if not self._announced:
            self._line.announce()
            self._announced = True
        for call in answer.calls:
            if self._calls.take(call, now=clock):
                self._answer(call, body)

    def _answer(self, call: Call, body: dict[str, Any]) -> None:
        """Do what was called out to us, and say so."""
        reply = reply_to(
            call,
            incarnation=self.identity.incarnation,
            said=body,
            uptime_seconds=boot_clock() - self._began_at,
            managed=self._ward.leash.is_managed,
        )
        log.info("command.heard", command=call.command, broadcast=call.id, ok=reply.ok)
        self.stopping |= reply.ends
        if call.command is Command.UPDATE_SYSTEM:
            self._ward.hint(None, urgent=True)
        self._line.answer(call.id, ok=reply.ok, data=reply.data)

    def _body(self, now: float) -> dict[str, Any]:
        measured = self._sensors.read(self._crew.pids())
        said = {**measured, "trouble": self._limits.trouble(), "tasks": self._tasks}
        return compose_beat(
            self.identity, self._crew, self._ward, said=said, offset_seconds=self._offset, now=now
        )

    def _obey(self, answer: Answer) -> None:
        self._cancelled = answer.cancelled
        self._ward.hint(answer.orders.get("ota_rev"))
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
        """This incarnation was given up: whatever it still runs belongs to others now."""
        log.warning("spore.given_up", incarnation=self.identity.incarnation)
        self._crew.kill_all()
        self._line.close()
        self._outbox.clear()
        self._ward.elders.disown()
        self.identity = self.identity.reborn()
        self._line = self._open_line(self.identity)
        self._beat_at = 0.0
        self._ward.say("reborn", incarnation=self.identity.incarnation)

    def _hang_up(self) -> None:
        self._line.close()
        self._ward.leash.slip()
        self._bell.leave_behind()

    def _end(self) -> None:
        """Make room for another agent, or leave."""
        within = self._ward.retires_within
        if within is None:
            self._ward.say("leaving", why="signal" if self._signals else "shutdown")
        if not self._crew.board.gate.is_open:
            return
        estate = Estate(
            crew=self._crew,
            line=self._line,
            spool=self._spool,
            ward=self._ward,
            outbox=self._outbox,
            offset_seconds=self._offset,
            heard_at=self._heard_at,
            cancelled=self._cancelled,
            signals=lambda: self._signals,
        )
        log.info("spore.stops", node=self.identity.name, replaced=within is not None)
        if within is None:
            leave(estate)
        else:
            Retirement(estate, now=time.monotonic(), seconds=within).serve()
        log.info("spore.stopped", node=self.identity.name)

    def _on_signal(self, signum: int, frame: object) -> None:
        self._signals += 1
        self.stopping = True
