"""The machine: one event in, what is to be done out. No I/O, no clock.

Whoever calls it saves `state` before it does what comes back. Then a launcher that is killed
anywhere finds the old release or the new one, and never a mixture.
"""

from ota.domain.install import preparing, proving
from ota.domain.install.events import (
    Act,
    Anew,
    Event,
    Exited,
    Live,
    NotStaged,
    NotWarm,
    Probed,
    Ready,
    Staged,
    Started,
    StopAgent,
    StopWarm,
    Tick,
    Told,
    Unready,
    Warm,
)
from ota.domain.install.rules import ATTEMPT_SECONDS, MOST_SAVES, WARM_SECONDS
from ota.domain.install.state import State
from ota.domain.install.step import Moment, Step
from ota.domain.states import Phase

IN_CIRCLES = "the launcher ended again and again"


class Installation(Step):
    """One node's own state machine."""

    def take(self, event: Event, now: Moment) -> list[Act]:
        """What is to be done about something that happened, once `state` was saved."""
        self.now, self.acts = now, []
        match event:
            case Started():
                self._begin()
            case Told(wanted):
                preparing.hear(self, wanted)
            case Staged() | NotStaged() | Warm() | NotWarm():
                self._take_news(event)
            case Ready() | Unready() | Live() | Probed() | Exited() | Anew():
                self._take_sign(event)
            case Tick():
                self._pass_time()
        return self.acts

    @property
    def shown_phase(self) -> Phase:
        """The phase that people are shown."""
        safe = self.state.safe and self.state.phase is Phase.IDLE
        return Phase.SAFE if safe else self.state.phase

    def _take_news(self, event: Staged | NotStaged | Warm | NotWarm) -> None:
        match event:
            case Staged(slot):
                preparing.take_staged(self, slot)
            case NotStaged(code, reason, permanent):
                preparing.take_refusal(self, code, reason, permanent=permanent)
            case Warm():
                preparing.take_warm(self)
            case NotWarm(reason):
                preparing.lose_warm(self, reason)

    def _take_sign(self, event: Ready | Unready | Live | Probed | Exited | Anew) -> None:
        match event:
            case Ready() | Unready():
                self.see(ready=isinstance(event, Ready))
            case Live():
                self.see(lived=True, ever_lived=True)
            case Probed(ok, reason):
                proving.take_probe(self, reason, ok=ok)
            case Exited():
                proving.mourn(self, event)
            case Anew():
                self.order(StopAgent())
                self.start()

    def _begin(self) -> None:
        state = self.state
        # Whatever ends the launcher again and again must not go on for ever.
        self.keep(saves=state.saves + 1)
        looping = state.saves >= MOST_SAVES
        if state.phase is Phase.TRIAL and looping:
            proving.roll_back(self, "loop", IN_CIRCLES)
        elif state.phase in (Phase.TRIAL, Phase.ROLLBACK):
            proving.try_again(self, "the launcher ended meanwhile")
        else:
            self.start()
            self._resume(state, looping=looping)

    def _resume(self, state: State, *, looping: bool) -> None:
        if looping:
            preparing.give_up(self, "loop", IN_CIRCLES, permanent=True)
        elif state.phase is Phase.STAGING and state.wanted:
            preparing.stage(self, state.wanted)
        elif state.phase is Phase.STAGED and state.pending:
            preparing.warm(self, state.pending)

    def _pass_time(self) -> None:
        run, now = self.run, self.now.steady
        if run.restart_at is not None and now >= run.restart_at:
            self.start()
        proving.judge(self)
        if self.state.phase is Phase.STAGING and now - run.staging_since > ATTEMPT_SECONDS:
            reason = f"not here after {ATTEMPT_SECONDS:.0f} s"
            preparing.give_up(self, "timed_out", reason, permanent=False)
        elif run.warm == "ready" and now - run.warm_since > WARM_SECONDS:
            # It costs memory; it is started anew when its turn comes.
            self.see(warm="")
            self.order(StopWarm())
        elif run.warm == "ready":
            preparing.switch_if_ready(self)
