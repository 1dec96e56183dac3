"""From the switch on: the new release proves itself, or the one before comes back."""

from dataclasses import replace

from ota.domain.install.events import Clean, Exited, Leave, Report, StopAgent
from ota.domain.install.preparing import drop
from ota.domain.install.rules import (
    CRASHES,
    HEALTHY_SECONDS,
    HOLD_SECONDS,
    RESTORE_SECONDS,
    STARTS,
    TRIES,
    backoff,
    crashed_too_often,
    forbidden,
    recent_crashes,
    rest_in_safe_mode,
    with_quarantine,
)
from ota.domain.install.state import Attempt
from ota.domain.install.step import PREPARING, UNPROVED, Step
from ota.domain.states import Phase


def take_probe(step: Step, reason: str, *, ok: bool) -> None:
    """The probe came back, or did not."""
    if ok:
        step.see(proved_at=step.now.steady)
        judge(step)
    elif step.state.phase is Phase.TRIAL:
        roll_back(step, "probe", reason, gently=True)
    elif step.state.phase is Phase.ROLLBACK or step.state.safe:
        step.order(StopAgent())
        try_again(step, reason)


def judge(step: Step) -> None:
    """Whether what runs has proved itself by now, or should have."""
    if step.state.phase is Phase.TRIAL:
        _judge_trial(step)
    elif step.state.phase is Phase.ROLLBACK or step.state.safe:
        _judge_return(step)


def _judge_trial(step: Step) -> None:
    wanted, run = step.state.wanted, step.run
    if run.proved_at is not None:
        if step.now.steady - run.proved_at >= (wanted.probation if wanted else 0.0):
            _commit(step)
    elif (limit := _overdue(step, wanted.deadline if wanted else RESTORE_SECONDS)) is not None:
        roll_back(step, "deadline", f"not proved after {limit:.0f} s")


def _judge_return(step: Step) -> None:
    if step.run.proved_at is not None:
        # What ran before runs again.
        _settle(step, safe=False)
        step.keep(tries_left=0, saves=0)
        step.order(Clean(), Report())
    elif (limit := _overdue(step, RESTORE_SECONDS)) is not None:
        step.order(StopAgent())
        try_again(step, f"not proved after {limit:.0f} s")


def _overdue(step: Step, seconds: float) -> float | None:
    """After how long the agent should have proved itself, if it is that late."""
    # One that has loaded all and is not heard waits for Redis: that is no release's fault.
    waits = step.run.ready and not step.run.lived
    limit = HOLD_SECONDS if waits else seconds
    running = step.run.restart_at is None
    return limit if running and step.now.steady - step.run.since > limit else None


def _commit(step: Step) -> None:
    active, floor = step.state.active, dict(step.state.floor)
    if not active.own:
        # Only now: of what merely lay ready the floor does not rise.
        floor[active.channel] = max(floor.get(active.channel, 0), active.floor)
    previous = step.state.previous
    if previous and not previous.own and previous.seq < floor.get(previous.channel, 0):
        previous = None  # its signers forbid it now, whoever wants it back
    step.keep(
        previous=previous,
        phase=Phase.IDLE,
        wanted=None,
        tries_left=0,
        saves=0,
        failed_rev=0,
        floor=floor,
        crashes=(),
        committed_at=step.now.wall,
        attempt=Attempt(active.sha256, "healthy"),
    )
    step.order(Clean(), Report())


def roll_back(step: Step, code: str, reason: str, *, gently: bool = False) -> None:
    """Bring back what ran before; what failed is not tried again for a while."""
    state = step.state
    if state.previous is None:
        return
    drop(step)
    failed = state.active
    step.keep(
        active=state.previous,
        previous=None,
        phase=Phase.ROLLBACK,
        tries_left=TRIES - 1,
        wanted=None,
        failed_rev=state.rev,
        retry_at=None,
        quarantine=with_quarantine(state.quarantine, failed, reason, step.now.wall),
        crashes=(),
        attempt=Attempt(failed.sha256, "rolled_back", code, reason),
    )
    step.order(StopAgent(gently=gently), Report())
    step.start()


def try_again(step: Step, reason: str) -> None:
    """Start once more what has to prove itself, unless it had its tries."""
    if step.state.tries_left > 0:
        step.keep(tries_left=step.state.tries_left - 1)
        step.start()
    elif step.state.phase is Phase.TRIAL:
        roll_back(step, "start", reason)
    else:
        _give_in(step, reason)


def _give_in(step: Step, reason: str) -> None:
    """Neither runs: stay reachable, and try again now and then."""
    attempt = step.state.attempt or Attempt(step.state.active.sha256, "rolled_back")
    if not step.state.safe:
        attempt = replace(attempt, code="safe", reason=f"{attempt.reason}; then {reason}")
    if step.state.phase not in PREPARING:
        step.keep(attempt=attempt)
    _settle(step, safe=True)
    step.rest(rest_in_safe_mode(step.run.deaths))
    step.order(Report())


def _settle(step: Step, *, safe: bool) -> None:
    """There is nothing to prove any more; what is prepared meanwhile goes on."""
    phase = step.state.phase if step.state.phase in PREPARING else Phase.IDLE
    step.keep(phase=phase, safe=safe)


def mourn(step: Step, end: Exited) -> None:
    """The agent that runs ended."""
    run, young = step.run, not step.run.ever_lived
    lived = run.lived
    own_start = young and step.state.active.own and step.state.phase is Phase.IDLE
    if lived and step.now.steady - run.since >= HEALTHY_SECONDS:
        step.see(deaths=0)
    step.see(ready=False, lived=False, proved_at=None)
    if end.left:
        step.order(Leave(0))
    elif (young and end.misused) or (own_start and not step.state.safe):
        step.order(Leave(end.code or 1))  # wrong use, and it said so: no release's fault
    elif end.patient:
        step.rest(backoff(step.run.deaths))
    elif step.state.phase is Phase.TRIAL and lived:
        roll_back(step, "crash", end.reason)
    elif step.state.phase in UNPROVED:
        try_again(step, end.reason)
    elif step.state.safe:
        _give_in(step, end.reason)
    else:
        _restart(step, end.reason, lived=lived)


def _restart(step: Step, reason: str, *, lived: bool) -> None:
    if lived:
        crashes = recent_crashes((*step.state.crashes, step.now.wall), step.now.wall)
        step.keep(crashes=crashes[-CRASHES:])
    fault = _late_fault(step, lived=lived)
    before = step.state.previous
    # What must not run any more is no way back.
    if fault and before is not None and not forbidden(before, step.state.floor):
        roll_back(step, "late", f"{fault}: {reason}")
    else:
        step.rest(backoff(step.run.deaths))


def _late_fault(step: Step, *, lived: bool) -> str:
    """Why a release that had proved itself is given up; empty as long as it is not."""
    if lived and crashed_too_often(step.state, step.now.wall):
        return f"it crashed {CRASHES} times"
    if not lived and not step.state.active.own and step.run.deaths >= STARTS:
        return f"it did not start {STARTS} times in a row"
    return ""
