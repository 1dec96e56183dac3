"""Rollouts without nodes: rows that decisions are made from."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from ota.domain.states import DeploymentState, RolloutState
from ota.domain.strategies import Terms
from ota.domain.view import Member, View, Wave

D, R = DeploymentState, RolloutState
START = datetime(2026, 1, 1, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def rollout(*sizes: int, terms: Terms | None = None, state: RolloutState = R.RUNNING) -> View:
    """A rollout of waves of these sizes. Nodes are called after wave and place: `0.0`, `1.0`."""
    members = {
        f"{wave}.{place}": Member(f"{wave}.{place}", wave, D.PENDING, START)
        for wave, size in enumerate(sizes)
        for place in range(size)
    }
    waves = tuple(Wave() for _ in sizes)
    return View(state, terms or Terms(), waves, members, START)


def put(view: View, state: DeploymentState, *names: str, at: float = 0, **facts) -> View:
    """The same rollout with these nodes in that state; without names, all of them."""
    chosen = names or tuple(view.members)
    return view.with_members(
        replace(view.members[name], state=state, since=after(at), **facts) for name in chosen
    )


def states(view: View, wave: int | None = None) -> list[DeploymentState]:
    return [one.state for one in view.members.values() if wave in (None, one.wave)]
