"""Who runs, who waits behind the gate, who retires: the agents of one Spore, handed over.

An agent that takes over has the incarnation of the one before, so that the Foreman sees no death.
That is right only as long as the one before ends in good order; else a new incarnation begins, and
whatever was in flight is taken back.
"""

import selectors
import signal
import sys
import time
from typing import Any

from ota.domain.install.events import Anew, Event, Live, NotWarm, Probed, Ready, Unready, Warm
from ota.domain.install.state import Slot
from ota.spore.agents import Agent, Elder, Recipe, describe_end, tell_end
from ota.spore.log import tell

WARM_SECONDS, RETIRE_SECONDS = 180.0, 15.0
#: How long the agent of a release that failed may still finish what it runs.
LAST_SECONDS = 5.0
#: A retired agent ends its work itself when its time is up. One that has not by then is frozen.
FROZEN_SECONDS = 60.0


class Succession:
    """The agents. Everything here returns at once."""

    def __init__(self, recipe: Recipe, selector: selectors.BaseSelector) -> None:
        self._recipe, self._selector = recipe, selector
        self.current: Agent | None = None
        self.warm: Agent | None = None
        self.elders: list[Elder] = []
        self._heir = ""
        self._opened = True
        self._warm_by = 0.0
        self._news: list[Event] = []
        #: Set whenever an agent heard that something is wanted of this node.
        self.hinted = False

    @property
    def agents(self) -> list[Agent]:
        """All of them."""
        found = [self.current, self.warm, *(elder.agent for elder in self.elders)]
        return [agent for agent in found if agent]

    def start(self, slot: Slot, *, probed: bool) -> None:
        """Start the agent that is to run."""
        incarnation, self._heir = self._heir, ""
        if not incarnation:
            self._end_elders()
        self.current = self._launch(slot, gated=probed, incarnation=incarnation)
        self._opened = not probed

    def stop(self, *, gently: bool) -> None:
        """End the agent that runs; `gently`: what it runs has a moment to finish."""
        agent, self.current = self.current, None
        if agent is None:
            return
        if gently and agent.live:
            self._heir = agent.incarnation
            self._retire(agent, LAST_SECONDS)
        else:
            self._heir = ""
            self._end(agent)

    def start_warm(self, slot: Slot) -> None:
        """Start an agent behind the gate, beside the one that runs."""
        self.stop_warm()
        heir = self.current.incarnation if self.current and self.current.live else ""
        self.warm = self._launch(slot, gated=True, incarnation=heir)
        self._warm_by = time.monotonic() + WARM_SECONDS

    def stop_warm(self) -> None:
        """End it."""
        agent, self.warm = self.warm, None
        if agent:
            self._end(agent)

    def hand_over(self, slot: Slot, *, seconds: float) -> None:
        """Let the agent behind the gate run, as soon as the one that runs takes nothing more."""
        old, new = self.current, self.warm
        heir = old.incarnation if old and old.live else ""
        self.warm = None
        fits = new is not None and new.ready and new.incarnation == heir
        if old is not None and old.live:
            self.current, self._heir = None, old.incarnation
            self._retire(old, seconds)
        else:
            self.stop(gently=False)
            self._end_elders()
        if fits:
            self.current, self._heir, self._opened = new, "", False
            return
        # It was started beside an agent that is no more: begin again, in its place.
        if new:
            self._end(new)
        self.start(slot, probed=True)
        self._news.append(Unready())

    def look(self) -> list[Event]:
        """What happened since the last look."""
        events, self._news = self._news, []
        for agent in self.agents:
            sys.stderr.buffer.write(agent.pass_on())
            for message in agent.hear():
                events += self._heed(agent, message)
        sys.stderr.flush()
        events += self._bury()
        events += self._hurry()
        self._open_gate()
        return events

    def tick(self, about: dict[str, Any]) -> None:
        """Show every agent that its launcher lives; the one that runs is to tell of its home."""
        if self.current:
            self.current.watch(time.monotonic())  # before there is something new to hear
        for agent in self.agents:
            agent.say(tick=1)
        if self.current and self.current.live:
            self.current.say(ota=about)

    def send(self, signum: int) -> None:
        """Pass a signal on to all agents."""
        for agent in self.agents:
            agent.signal(signum)

    def _heed(self, agent: Agent, message: dict[str, Any]) -> list[Event]:
        current = agent is self.current
        match message:
            case {"ready": _}:
                agent.ready = True
                return [Warm()] if agent is self.warm else [Ready()] if current else []
            case {"live": {"incarnation": str(incarnation)}}:
                agent.live, agent.incarnation = True, incarnation
                return [Live()] if current else []
            case {"probe": {"ok": ok, **more}} if current:
                return [Probed(bool(ok), str(more.get("reason", "")))]
            case {"retired": dict(works)}:
                agent.retired, agent.works = True, works
            case {"works": dict(works)}:
                agent.works = works
                self._tell_elders()
            case _:
                self._heed_rest(agent, message)
        return []

    def _heed_rest(self, agent: Agent, message: dict[str, Any]) -> None:
        match message:
            case {"hint": _}:
                self.hinted = True
            case {"leaving": {"why": why}}:
                agent.leaving = str(why)
                self._send_elders_home(agent)
            case {"reborn": {"incarnation": str(incarnation)}}:
                # The Foreman gave it up: what its elders run belongs to others now.
                agent.incarnation = incarnation
                self._end_elders()
                self._tell_elders()

    def _send_elders_home(self, agent: Agent) -> None:
        """The Spore ends: it waits a moment for what its elders run."""
        if agent is self.current:
            for elder in self.elders:
                elder.agent.signal(signal.SIGTERM)
            self._tell_elders()

    def _bury(self) -> list[Event]:
        events: list[Event] = []
        for agent in self.agents:
            code = agent.ended()
            if code is not None:
                sys.stderr.buffer.write(agent.pass_on())
                # What it said last came before its end.
                for message in agent.hear():
                    events += self._heed(agent, message)
                events += self._mourn(agent, code)
                self._forget(agent)
        return events

    def _mourn(self, agent: Agent, code: int) -> list[Event]:
        how = tell_end(code)
        if agent is self.current:
            self.current = None
            tell("agent.ended", release=agent.slot.version, how=how)
            return [describe_end(agent, code)]
        if agent is self.warm:
            self.warm = None
            return [NotWarm(describe_end(agent, code).reason)]
        self.elders = [elder for elder in self.elders if elder.agent is not agent]
        self._tell_elders()
        # It died over work that must perhaps not run again: let the Foreman take everything back.
        return [Anew(f"a retiring agent died: {how}")] if code else []

    def _hurry(self) -> list[Event]:
        now = time.monotonic()
        if self.warm and not self.warm.ready and now > self._warm_by:
            agent, self.warm = self.warm, None
            self._end(agent)
            return [NotWarm(f"not loaded after {WARM_SECONDS:.0f} s")]
        if any(now > elder.retired_by and not elder.agent.retired for elder in self.elders):
            return [Anew("an agent did not retire")]
        for elder in self.elders:
            if now > elder.ended_by:
                elder.agent.kill()  # it is buried at the next look, as one that died
        return []

    def _open_gate(self) -> None:
        agent = self.current
        if agent is None or self._opened or not agent.ready:
            return
        if all(elder.agent.retired for elder in self.elders):
            self._opened = True
            agent.say(go={"elders": [elder.agent.works for elder in self.elders]})

    def _tell_elders(self) -> None:
        if self.current and self._opened:
            self.current.say(elders=[elder.agent.works for elder in self.elders])

    def _retire(self, agent: Agent, seconds: float) -> None:
        tell("agent.retires", release=agent.slot.version, seconds=seconds)
        agent.say(retire={"seconds": seconds})
        now = time.monotonic()
        self.elders.append(Elder(agent, now + RETIRE_SECONDS, now + seconds + FROZEN_SECONDS))

    def _launch(self, slot: Slot, *, gated: bool, incarnation: str) -> Agent:
        tell("agent.starts", release=slot.version, slot=slot.name, gated=gated)
        agent = Agent(self._recipe, slot, gated=gated, incarnation=incarnation)
        for end in (agent.ear, agent.stderr):
            self._selector.register(end, selectors.EVENT_READ)
        return agent

    def _end_elders(self) -> None:
        for elder in self.elders:
            self._end(elder.agent)
        self.elders = []

    def _end(self, agent: Agent) -> None:
        agent.kill()
        sys.stderr.buffer.write(agent.pass_on())
        self._forget(agent)

    def _forget(self, agent: Agent) -> None:
        for end in (agent.ear, agent.stderr):
            self._selector.unregister(end)
        agent.close()
