"""What follows for a rollout from how its nodes are. Pure; the Conductor does what it says.

The order of the questions matters: deadlines of nodes, then errors, then progress, then success,
and only then who is next.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from ota.domain.states import FAILURES, DeploymentState, RolloutState, WaveState
from ota.domain.strategies import ABORT, ROLLBACK, Terms
from ota.domain.view import BEFORE_SWITCH, FINAL, Code, Member, Tally, View, Wave

D, R, W = DeploymentState, RolloutState, WaveState
#: What a decision is: the rollout as it should be from now on.
Decision = View


def evaluate(view: View, now: datetime) -> Decision:
    """The rollout as it should be now. A draft, and one that is over, stay as they are."""
    if view.state in FINAL or view.state is R.DRAFT:
        return view
    view = view.with_members(_at_deadline(one, view, now) for one in view.members.values())
    match view.state:
        case R.ABORTING:
            return _abort(view, now)
        case R.ROLLING_BACK:
            return _roll_back(view, now)
        case R.RUNNING:
            return _advance(_begin(_with_canary(view), now), now)
    return view


def _with_canary(view: View) -> View:
    """With another node in the first wave, if all of it were deleted: somebody must prove it."""
    if view.wave or len(view.of_wave(0)) > Tally.of(view.of_wave(0)).skipped:
        return view
    heirs = [one for one in view.members.values() if one.state in (D.PENDING, D.STAGING, D.STAGED)]
    heirs.sort(key=lambda one: (one.silent, one.wave))
    return view.with_members(replace(one, wave=0) for one in heirs[:1])


def _at_deadline(member: Member, view: View, now: datetime) -> Member:
    """One node after its deadline, or after it fell silent or came back."""
    if view.state is R.ROLLING_BACK:
        return member
    terms, age = view.terms, (now - member.since).total_seconds()
    match member.state:
        case D.STAGING | D.STAGED | D.PENDING if member.silent:
            return member.move(D.DEFERRED, now, Code.OFFLINE, "it is offline")
        case D.DEFERRED if member.code == Code.OFFLINE and not member.silent:
            # Waves that are over do not open again: it joins the one that is under way.
            back = member.move(D.PENDING, now)
            return replace(back, wave=max(member.wave, view.wave))
        case D.STAGING if age >= terms.staging_deadline:
            why = f"the release was not ready there within {terms.staging_deadline:.0f} s"
            return member.move(D.TIMED_OUT, now, Code.DEADLINE, why)
        case D.ACTIVATING if age >= terms.activating_deadline:
            why = f"nothing was heard of the switch for {terms.activating_deadline:.0f} s"
            return member.move(D.TIMED_OUT, now, Code.DEADLINE, why)
    return member


def _begin(view: View, now: datetime) -> View:
    if view.waves and view.waves[view.wave].state is W.WAITING:
        return view.with_wave(view.wave, Wave(W.ACTIVATING, now))
    return view


def _advance(view: View, now: datetime) -> View:
    """Go on as far as it goes: from wave to wave, to the end, or to whatever is in the way."""
    if not view.waves:
        return view.become(R.SUCCEEDED, now, "there was nothing to be done")
    for index in range(view.wave + 1):
        if fault := find_fault(view, index):
            return _fail(view, index, fault, now)
    wave = view.waves[view.wave]
    if wave.state is W.ACTIVATING and not _succeeded(view):
        return _stalled(view, now) or _offer(view, now)
    if wave.state is W.ACTIVATING:
        wave = Wave(W.BAKING, now)
        view = view.with_wave(view.wave, wave)
    if wave.state is W.BAKING and wave.since and _age(wave.since, now) < view.terms.bake:
        return _offer(view, now)
    if wave.state is W.BAKING:
        view = view.with_wave(view.wave, Wave(W.SUCCEEDED, now))
    return _finish(view, now) if view.last else _next(view, now)


def find_fault(view: View, index: int) -> str:
    """Why a wave has too many failures; empty if it has not."""
    terms, tally = view.terms, Tally.of(view.of_wave(index))
    failed, counted = tally.failed, tally.counted
    if not failed:
        return ""
    if index == 0 and 0 < terms.canary_abs <= failed:
        return f"{failed} of {counted} nodes of the first wave failed"
    share_is_too_large = failed * 100 >= terms.error_pct * tally.executed
    if tally.executed >= terms.min_executed and share_is_too_large:
        return f"{failed} of {tally.executed} nodes failed; {terms.error_pct} % are too many"
    if (counted - failed) * 100 < terms.success_pct * counted:
        return f"{failed} of {counted} nodes failed; {terms.success_pct} % must succeed"
    return ""


def _fail(view: View, index: int, fault: str, now: datetime) -> View:
    view = view.with_wave(index, Wave(W.FAILED, now))
    reason = f"{Code.ERRORS}: {fault}"
    if view.terms.error_action == ROLLBACK:
        return _roll_back(view.become(R.ROLLING_BACK, now, reason), now)
    if view.terms.error_action == ABORT:
        return _abort(view.become(R.ABORTING, now, reason), now)
    return view.become(R.PAUSED, now, reason)


def _succeeded(view: View) -> bool:
    """Whether the wave that is under way has what it takes."""
    members = view.of_wave(view.wave)
    tally = Tally.of(members)
    # The first wave proves the release: whoever only waits for nodes proves nothing.
    needed = 1 if view.wave == 0 and len(members) > tally.skipped else 0
    enough = tally.healthy * 100 >= view.terms.success_pct * tally.counted
    return tally.healthy >= needed and enough


def _stalled(view: View, now: datetime) -> View | None:
    """The rollout as paused, if nothing comes through any more."""
    members = view.of_wave(view.wave)
    tally = Tally.of(members)
    if not tally.in_flight and tally.counted:
        fault = f"{tally.healthy} of {tally.counted} nodes of the wave are healthy"
        return view.become(R.PAUSED, now, f"{Code.INCOMPLETE}: {fault}")
    times = [one.since for one in members if one.state is D.HEALTHY]
    began = view.waves[view.wave].since or now
    if _age(max([began, *times]), now) >= view.terms.progress_deadline:
        minutes = view.terms.progress_deadline / 60
        fault = f"no node became healthy for {minutes:.0f} min"
        return view.become(R.PAUSED, now, f"{Code.PROGRESS}: {fault}")
    return None


def _next(view: View, now: datetime) -> View:
    if view.wave in view.terms.gates:
        fault = f"wave {view.wave + 1} of {len(view.waves)} is done; promote it to go on"
        return view.become(R.PAUSED, now, f"{Code.GATE}: {fault}")
    view = replace(view, wave=view.wave + 1)
    return _advance(_begin(view, now), now)


def _finish(view: View, now: datetime) -> View:
    """The end, unless somebody is still on the way."""
    tally = Tally.of(view.members.values())
    if tally.in_flight:
        return _stalled_at_the_end(view, now) or _offer(view, now)
    away = ""
    if tally.deferred:
        one = tally.deferred == 1
        away = "1 node follows" if one else f"{tally.deferred} nodes follow"
        away += f" when {'it is' if one else 'they are'} back"
    if tally.failed:
        fault = f"{tally.failed} of {tally.counted} nodes failed"
        reason = f"{fault}; {away}" if away else fault
        return view.become(R.SUCCEEDED_WITH_ERRORS, now, reason)
    return view.become(R.SUCCEEDED, now, away)


def _stalled_at_the_end(view: View, now: datetime) -> View | None:
    began = view.waves[view.wave].since or now
    if _age(began, now) < view.terms.progress_deadline:
        return None
    fault = "the last nodes of it do not come to an end"
    return view.become(R.PAUSED, now, f"{Code.PROGRESS}: {fault}")


def _offer(view: View, now: datetime) -> View:
    """Let all prepare themselves, and those of the waves so far switch, so many at once."""
    offered = [one.move(D.STAGING, now) for one in view.members.values() if one.state is D.PENDING]
    states = [one.state for one in view.members.values()]
    room = view.terms.max_in_flight - states.count(D.ACTIVATING)
    ready = [
        one for one in view.members.values() if one.state is D.STAGED and one.wave <= view.wave
    ]
    first = sorted(ready, key=lambda one: one.wave)[: max(room, 0)]
    return view.with_members([*offered, *(one.move(D.ACTIVATING, now) for one in first)])


def _abort(view: View, now: datetime) -> View:
    view = view.with_members(
        one.move(D.CANCELED, now) for one in view.members.values() if one.state in BEFORE_SWITCH
    )
    if any(one.state is D.ACTIVATING for one in view.members.values()):
        return view
    return view.become(R.ABORTED, now, view.reason)


def _roll_back(view: View, now: datetime) -> View:
    """Everybody back at once; who does not manage it in time is named."""
    view = view.with_members(
        one.move(D.CANCELED, now) for one in view.members.values() if one.state in BEFORE_SWITCH
    )
    going = [one for one in view.members.values() if one.state in (D.HEALTHY, D.ACTIVATING)]
    if going and now - view.since >= patience_of_roll_back(view.terms):
        why = "it did not say that it runs its former code again"
        view = view.with_members(one.move(D.TIMED_OUT, now, Code.STUCK, why) for one in going)
        going = []
    if going:
        return view
    stuck = [one.name for one in view.members.values() if is_stuck(one)]
    if not stuck:
        return view.become(R.ROLLED_BACK, now, view.reason)
    some = ", ".join(sorted(stuck)[:5]) + (" …" if len(stuck) > 5 else "")
    return view.become(R.ROLLBACK_INCOMPLETE, now, f"not back: {some}")


def is_stuck(member: Member) -> bool:
    """Whether it should have gone back, and did not."""
    return member.state in FAILURES and member.code == Code.STUCK


def patience_of_roll_back(terms: Terms) -> timedelta:
    """How long nodes have to go back, from when it was said."""
    return timedelta(seconds=terms.activating_deadline)


def _age(since: datetime, now: datetime) -> float:
    return (now - since).total_seconds()
