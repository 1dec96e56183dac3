"""What people do to rollouts. Saying it again when it is done already changes nothing."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from ota.domain.states import FAILURES, DeploymentState, RolloutState, WaveState
from ota.domain.view import FINAL, Code, Member, View, Wave

D, R, W = DeploymentState, RolloutState, WaveState


class Refused(ValueError):
    """A state that does not take the verb: which, and what it takes."""


def start(view: View, now: datetime) -> View:
    """Let a draft begin."""
    return _move(view, now, verb="start", from_={R.DRAFT}, done={R.RUNNING}, to=R.RUNNING)


def pause(view: View, now: datetime, reason: str = "") -> View:
    """Offer nothing more and switch no more nodes; those that switch come to their end."""
    moved = _move(view, now, verb="pause", from_={R.RUNNING}, done={R.PAUSED}, to=R.PAUSED)
    why = f"{Code.MANUAL}: {reason or 'somebody paused it'}"
    return moved if moved is view else replace(moved, reason=why)


def resume(view: View, now: datetime) -> View:
    """Go on. What failed so far in the waves that began is tried again."""
    if view.at_gate:
        raise Refused("waits at a gate; promote it to let the next wave begin, or abort it")
    moved = _move(view, now, verb="resume", from_={R.PAUSED}, done={R.RUNNING}, to=R.RUNNING)
    if moved is view:
        return view
    failed = [index for index, wave in enumerate(view.waves) if wave.state is W.FAILED]
    moved = _begin_again(moved, min([view.wave, *failed]), now)
    again = [
        one.move(D.PENDING, now)
        for one in view.members.values()
        if one.wave <= view.wave and one.state in FAILURES
    ]
    return moved.with_members(again)


def _begin_again(view: View, first: int, now: datetime) -> View:
    """Back to a wave that failed after all; those behind it begin anew once it is through."""
    if not view.waves or view.waves[first].state is W.BAKING:
        return view
    if view.waves[first].state is W.SUCCEEDED:
        # The last nodes of it get their time anew.
        return view.with_wave(first, Wave(W.SUCCEEDED, now))
    later = tuple(Wave() for _ in view.waves[first + 1 :])
    waves = (*view.waves[:first], Wave(W.ACTIVATING, now), *later)
    return replace(view, wave=first, waves=waves)


def promote(view: View, now: datetime) -> View:
    """Let the next wave begin, where the rollout waits for that."""
    if view.at_gate:
        moved = replace(view.become(R.RUNNING, now), wave=view.wave + 1)
        return moved.with_wave(moved.wave, Wave(W.ACTIVATING, now))
    if view.state is R.RUNNING and view.wave - 1 in view.terms.gates:
        return view
    raise Refused(f"is {view.state} and waits at no gate; there is nothing to promote")


def abort(view: View, now: datetime) -> View:
    """Leave alone who has not switched yet; who has comes to its end."""
    if view.state is R.DRAFT:
        members = [one.move(D.CANCELED, now) for one in view.members.values() if _waits(one)]
        return view.with_members(members).become(R.ABORTED, now)
    over = {R.ABORTING, R.ABORTED}
    return _move(view, now, verb="abort", from_={R.RUNNING, R.PAUSED}, done=over, to=R.ABORTING)


def roll_back(view: View, now: datetime, reason: str = "") -> View:
    """Bring everybody back to the code before."""
    takes = {R.RUNNING, R.PAUSED, R.ABORTING, R.ABORTED, R.SUCCEEDED, R.SUCCEEDED_WITH_ERRORS}
    over = {R.ROLLING_BACK, R.ROLLED_BACK, R.ROLLBACK_INCOMPLETE}
    moved = _move(view, now, verb="roll back", from_=takes, done=over, to=R.ROLLING_BACK)
    return moved if moved is view else replace(moved, reason=reason)


def supersede(view: View, now: datetime, by: str = "") -> View:
    """Leave its nodes to a newer rollout."""
    if view.state in FINAL:
        return view
    why = f"by {by}" if by else ""
    members = [
        one.move(D.SUPERSEDED, now, why=why)
        for one in view.members.values()
        if _waits(one) or one.state is D.ACTIVATING
    ]
    return view.with_members(members).become(R.SUPERSEDED, now, why)


VERBS: dict[str, Callable[[View, datetime], View]] = {
    "start": start,
    "pause": pause,
    "resume": resume,
    "promote": promote,
    "abort": abort,
    "rollback": roll_back,
}


def fitting_verbs(view: View, now: datetime) -> list[str]:
    """The verbs that would change something of a rollout as it is."""
    return [name for name, verb in VERBS.items() if _changes(verb, view, now)]


def _changes(verb: Callable[[View, datetime], View], view: View, now: datetime) -> bool:
    try:
        return verb(view, now) is not view
    except Refused:
        return False


def _waits(member: Member) -> bool:
    return member.state in (D.PENDING, D.STAGING, D.STAGED, D.DEFERRED)


def _move(
    view: View,
    now: datetime,
    *,
    verb: str,
    from_: set[RolloutState],
    done: set[RolloutState],
    to: RolloutState,
) -> View:
    if view.state in done:
        return view
    if view.state not in from_:
        states = ", ".join(sorted(from_))
        raise Refused(f"is {view.state}; to {verb} it takes one that is {states}")
    return view.become(to, now)
