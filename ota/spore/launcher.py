"""The launcher: owns a Spore's agents and its home, and never imports a release.

It waits for what happens, lets `Installation` decide, saves, and does what came back. It is what
`manage.py rqworker --home DIR` runs as.
"""

import selectors
import shutil
import signal
import time
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

from nodes.spore.bell import Bell
from ota.domain.install import Installation
from ota.domain.install.events import (
    Act,
    Clean,
    Event,
    HandOver,
    Leave,
    Report,
    StartAgent,
    Started,
    StartStager,
    StartWarm,
    StopAgent,
    StopStager,
    StopWarm,
    Tick,
    Told,
)
from ota.domain.install.state import Slot, State, Wanted, read_wanted
from ota.domain.install.step import Moment
from ota.domain.states import Phase
from ota.spore.cleaning import clean
from ota.spore.log import tell
from ota.spore.messenger import Messenger
from ota.spore.options import Options
from ota.spore.places import Places, point_current
from ota.spore.reporting import compose_request, describe, read_outcome
from ota.spore.restoring import restore
from ota.spore.stagers import Stager
from ota.spore.state_file import StateFile
from ota.spore.succession import Succession
from ota.spore.trust import TrustStore

STEP_SECONDS = 0.25
TICK_SECONDS = 1.0
#: How long agents may take to end once they were told to: their own patience, and then some.
END_SECONDS = 60.0


class Launcher:
    """One running launcher."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._file = StateFile(Places(options.home).root)
        self._selector = selectors.DefaultSelector()
        self._bell = Bell()
        self._selector.register(self._bell, selectors.EVENT_READ)
        self._machine = Installation(self._load(), own=options.own)
        self._agents = Succession(options.recipe, self._selector)
        self._stager: Stager | None = None
        self._messenger = Messenger(options.desk, wake=self._bell.ring, poll=options.poll_seconds)
        self._signals = 0
        self._ticked_at = 0.0
        #: What the agent tells of its home.
        self._about: dict[str, Any] = {}
        self._exit_code: int | None = None

    def run(self) -> int:
        """Serve until told to end; its exit code."""
        for signum in (signal.SIGTERM, signal.SIGINT):
            signal.signal(signum, self._on_signal)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        point_current(self._options.home, self._machine.state.active.tree)
        self._take(Started())
        self._post(now=True)
        while self._exit_code is None and not self._signals:
            self._step()
        self._end()
        return self._exit_code or 0

    def _step(self) -> None:
        self._selector.select(self._rest())
        self._bell.quiet()
        for event in self._agents.look():
            self._take(event)
        self._listen_to_stager()
        for answer in self._messenger.collect():
            self._hear(answer)
        self._take(Tick())
        if time.monotonic() - self._ticked_at >= TICK_SECONDS:
            self._ticked_at = time.monotonic()
            self._agents.tick(self._about)
        if self._agents.hinted:
            self._agents.hinted = False
            self._post(now=True)

    def _rest(self) -> float:
        """How long nothing can be missed that wakes nobody."""
        current = self._agents.current
        alone = current is not None and self._agents.agents == [current]
        calm = alone and current.live and self._machine.state.phase is Phase.IDLE
        until_tick = self._ticked_at + TICK_SECONDS - time.monotonic()
        return max(until_tick, 0.0) if calm else STEP_SECONDS

    def _take(self, event: Event) -> None:
        before, run = self._machine.state, self._machine.run
        acts = self._machine.take(event, Moment(time.time(), time.monotonic()))
        if not self._file.keep(self._machine.state) and any(
            isinstance(act, HandOver) for act in acts
        ):
            # The one change that must be on the disk before anything is done about it.
            # What waits behind the gate waits on: every tick tries the switch again.
            if run.warm != "ready":
                run = replace(run, warm="ready", warm_since=time.monotonic())
            self._machine.state, self._machine.run, acts = before, run, []
        if self._machine.state != before:
            self._post(now=False)
            self._show(before)
        for act in acts:
            self._do(act)

    def _do(self, act: Act) -> None:
        match act:
            case StartAgent(slot, probed):
                self._agents.start(slot, probed=probed)
            case StopAgent(gently):
                self._agents.stop(gently=gently)
            case StartWarm(slot):
                self._agents.start_warm(slot)
            case StopWarm():
                self._agents.stop_warm()
            case HandOver(seconds):
                self._agents.hand_over(self._machine.state.active, seconds=seconds)
            case _:
                self._do_rest(act)

    def _do_rest(self, act: Act) -> None:
        match act:
            case StartStager(wanted):
                self._start_stager(wanted)
            case StopStager():
                self._stop_stager()
            case Clean():
                keep = {slot.name for slot in self._needed()}
                self._messenger.send_off(partial(clean, self._options.home, keep))
            case Report():
                self._post(now=True)
            case Leave(code):
                self._exit_code = code

    def _needed(self) -> set[Slot]:
        """All that must stay."""
        state = self._machine.state
        named = [state.active, state.previous, state.pending]
        running = [agent.slot for agent in self._agents.agents]
        return {slot for slot in (*named, *running) if slot}

    # The stager.

    def _start_stager(self, wanted: Wanted) -> None:
        self._stop_stager()
        told = compose_request(wanted, self._machine.state, self._needed())
        request = {**self._options.stager, **told}
        tell("stager.starts", release=wanted.version)
        self._stager = Stager(self._options.stager_command, request, env=self._options.stager_env)
        self._selector.register(self._stager.ear, selectors.EVENT_READ)

    def _stop_stager(self) -> None:
        stager, self._stager = self._stager, None
        if stager:
            self._selector.unregister(stager.ear)
            stager.stop()

    def _listen_to_stager(self) -> None:
        stager = self._stager
        if stager is None or not stager.listen():
            return
        self._stop_stager()
        self._take(read_outcome(stager.outcome))

    # The Nexus.

    def _hear(self, answer: dict[str, Any]) -> None:
        try:
            self._take(Told(read_wanted(answer)))
        except ValueError as error:
            tell("answer.refused", reason=error)

    def _post(self, *, now: bool) -> None:
        state = self._machine.state
        body = describe(state, self._machine.shown_phase, self._options.channels, self._file.fault)
        if body["attempt"] and self._stager:
            body["attempt"] |= {"step": self._stager.step, "fraction": self._stager.fraction}
        body["trust"] = TrustStore(Places(self._options.home).trust).summary()
        with suppress(OSError):  # the home may be away for a moment, or for good
            body["free_mb"] = shutil.disk_usage(self._options.home).free // 2**20
        self._messenger.post(body, now=now)
        about = {"phase": body["phase"], "release": state.active.version}
        self._about = {**about, "attempt": body["attempt"]}

    # Its own life.

    def _load(self) -> State:
        state, fault = self._file.load()
        if fault:
            tell("state.damaged", reason=fault)
        return restore(state, self._options.own, self._options.channels)

    def _show(self, before: State) -> None:
        """For people: the link, and a line in the log."""
        now = self._machine.state
        if before.active != now.active:
            point_current(self._options.home, now.active.tree)
        if (before.phase, before.attempt, before.safe) != (now.phase, now.attempt, now.safe):
            about = now.attempt
            more = {"code": about.code, "reason": about.reason} if about and about.code else {}
            phase = self._machine.shown_phase
            tell("home.changed", phase=phase, release=now.active.version, **more)

    def _end(self) -> None:
        self._stop_stager()
        self._agents.stop_warm()
        give_up_at, told = time.monotonic() + END_SECONDS, 0
        while self._agents.agents and time.monotonic() < give_up_at:
            if told < max(self._signals, 1):
                told += 1
                self._agents.send(signal.SIGTERM)
            self._selector.select(STEP_SECONDS)
            self._bell.quiet()
            self._agents.look()
        for agent in self._agents.agents:
            agent.kill()

    def _on_signal(self, signum: int, frame: object) -> None:
        self._signals += 1
        self._bell.ring()
