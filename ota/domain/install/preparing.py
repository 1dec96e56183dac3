"""Up to the switch: what is wanted is brought here and tried out beside what runs."""

from ota.domain.install.events import (
    HandOver,
    Report,
    StartStager,
    StartWarm,
    StopStager,
    StopWarm,
)
from ota.domain.install.rules import (
    MOST_WARM_DEATHS,
    TRIES,
    forbidden,
    may_retry,
    quarantined,
    retry_after,
)
from ota.domain.install.state import Attempt, Slot, Wanted
from ota.domain.install.step import PREPARING, UNPROVED, Step
from ota.domain.states import Phase


def hear(step: Step, wanted: Wanted | None) -> None:
    """The Nexus said what it wants."""
    state = step.state
    if state.phase in UNPROVED:
        return  # finish first; the next answer says it again
    if wanted is None:
        if state.wanted:
            drop(step)
            step.keep(wanted=None, attempt=None)
    elif wanted.rev >= state.rev and wanted != state.wanted:
        _want(step, wanted)


def _want(step: Step, wanted: Wanted) -> None:
    state = step.state
    if wanted.sha256 == state.active.sha256:
        _stay(step, wanted)
    elif wanted.rev == state.failed_rev and not may_retry(state.retry_at, step.now.wall):
        return
    elif found := quarantined(state.quarantine, wanted.sha256, step.now.wall):
        drop(step)
        step.keep(wanted=wanted, rev=wanted.rev)
        give_up(step, "quarantine", f"it failed here before: {found.reason}", permanent=True)
    elif state.pending and state.pending.sha256 == wanted.sha256:
        step.keep(wanted=wanted, rev=wanted.rev)
        switch_if_ready(step)
    else:
        drop(step)
        _fetch(step, wanted)


def _stay(step: Step, wanted: Wanted) -> None:
    """What is wanted is what runs, or what should."""
    rev = step.state.rev
    drop(step)
    step.keep(wanted=None, rev=wanted.rev)
    if not step.state.safe:
        step.keep(attempt=Attempt(wanted.sha256, "healthy"))
    elif wanted.rev != rev and step.run.restart_at is not None:
        step.see(restart_at=step.now.steady)  # somebody waits for it
    if wanted.rev != rev:
        step.order(Report())


def _fetch(step: Step, wanted: Wanted) -> None:
    again = wanted.rev == step.state.failed_rev
    step.keep(
        wanted=wanted,
        rev=wanted.rev,
        attempt=Attempt(wanted.sha256, "staging"),
        saves=0,
        retries=step.state.retries if again else 0,
    )
    step.see(warm_deaths=0)
    if slot := _at_hand(step, wanted):
        step.keep(phase=Phase.STAGED, pending=slot)
        warm(step, slot)
    else:
        step.keep(phase=Phase.STAGING)
        stage(step, wanted)


def _at_hand(step: Step, wanted: Wanted) -> Slot | None:
    """What needs no stager: it ran here before, or is where the Spore was started from."""
    if not wanted.sha256:
        return step.own
    previous = step.state.previous
    if previous is None or previous.sha256 != wanted.sha256:
        return None
    # Of what is forbidden by now the stager says so.
    return None if forbidden(previous, step.state.floor) else previous


def stage(step: Step, wanted: Wanted) -> None:
    """Have a release brought here."""
    step.see(staging_since=step.now.steady)
    step.order(StartStager(wanted))


def drop(step: Step) -> None:
    """Leave what is being prepared."""
    if step.state.phase is Phase.STAGING:
        step.order(StopStager())
    if step.run.warm:
        step.see(warm="")
        step.order(StopWarm())
    if step.state.phase in PREPARING:
        step.keep(phase=Phase.IDLE, pending=None)


def give_up(step: Step, code: str, reason: str, *, permanent: bool) -> None:
    """What is wanted cannot be; what is not `permanent` is tried again later."""
    wanted = step.state.wanted
    if wanted is None:
        return
    drop(step)
    retries = step.state.retries + 1
    step.keep(
        wanted=None,
        failed_rev=wanted.rev,
        retry_at=None if permanent else step.now.wall + retry_after(retries),
        retries=retries,
        attempt=Attempt(wanted.sha256, "failed", code, reason),
    )
    step.order(Report())


def take_staged(step: Step, slot: Slot) -> None:
    """The stager is done."""
    wanted = step.state.wanted
    if step.state.phase is Phase.STAGING and wanted and slot.sha256 == wanted.sha256:
        step.keep(phase=Phase.STAGED, pending=slot)
        warm(step, slot)


def take_refusal(step: Step, code: str, reason: str, *, permanent: bool) -> None:
    """The stager gave up."""
    if step.state.phase is Phase.STAGING:
        give_up(step, code, reason, permanent=permanent)


def warm(step: Step, slot: Slot) -> None:
    """Try a release out behind the gate."""
    step.see(warm="starting", warm_since=step.now.steady)
    step.order(StartWarm(slot))


def take_warm(step: Step) -> None:
    """It has loaded everything."""
    if step.state.phase is not Phase.STAGED or not step.state.wanted:
        return
    step.see(warm="ready", warm_since=step.now.steady)
    step.keep(attempt=Attempt(step.state.wanted.sha256, "staged"))
    switch_if_ready(step)
    if step.state.phase is Phase.STAGED:
        step.order(Report())


def lose_warm(step: Step, reason: str) -> None:
    """It ended behind the gate: because it cannot start, or by some accident later."""
    was, deaths = step.run.warm, step.run.warm_deaths + 1
    step.see(warm="", warm_deaths=deaths)
    if step.state.phase is not Phase.STAGED or not was:
        return
    if was == "starting" or deaths > MOST_WARM_DEATHS:
        give_up(step, "preflight", reason, permanent=True)
    else:
        switch_if_ready(step)


def switch_if_ready(step: Step) -> None:
    """Go on as soon as it is wanted, and as what is wanted has shown that it loads.

    Repeated, for a switch that could not be saved did not happen.
    """
    state = step.state
    if state.phase is not Phase.STAGED or not (state.wanted and state.pending):
        return
    if step.run.warm == "ready" and state.wanted.activate:
        _switch(step, state.pending, state.wanted)
    elif not step.run.warm and state.wanted.activate:
        warm(step, state.pending)


def _switch(step: Step, new: Slot, wanted: Wanted) -> None:
    """The one change that counts: once it is saved the new release runs."""
    step.keep(
        active=new,
        previous=step.state.active,
        pending=None,
        phase=Phase.TRIAL,
        safe=False,
        tries_left=TRIES - 1,
        attempt=Attempt(new.sha256, "activating"),
    )
    step.see(since=step.now.steady, ready=True, lived=False, proved_at=None, restart_at=None)
    step.see(warm="", deaths=0)
    step.order(HandOver(wanted.handover))
