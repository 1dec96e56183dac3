"""What a node's report says of its part in a rollout."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ota.domain.states import FAILURES, DeploymentState, Phase, RolloutState
from ota.domain.view import Code

D = DeploymentState
#: From where a report may move a node, by what it says. What is over stays over, but for a
#: release that fails after all.
MOVES: dict[DeploymentState, frozenset[DeploymentState]] = {
    D.STAGED: frozenset({D.PENDING, D.STAGING, D.DEFERRED}),
    D.HEALTHY: frozenset({D.PENDING, D.STAGING, D.STAGED, D.ACTIVATING, D.DEFERRED}),
    D.FAILED: frozenset({D.STAGING, D.STAGED, D.ACTIVATING, D.DEFERRED}),
    D.ROLLED_BACK: frozenset({D.STAGED, D.ACTIVATING, D.DEFERRED, D.HEALTHY}),
    D.DEFERRED: frozenset({D.STAGING, D.STAGED}),
}
ENDS = FAILURES | {D.HEALTHY}
#: What an attempt says that did not end well.
SAID = {
    "failed": D.FAILED,
    "rolled_back": D.ROLLED_BACK,
    "deferred": D.DEFERRED,
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a node was in a rollout of the release `sha256`, which came after `before`.

    `rev` is the newest that was wanted of it.
    """

    state: DeploymentState
    rollout: RolloutState
    sha256: str
    before: str
    rev: int
    open: bool


@dataclass(frozen=True, slots=True)
class News:
    """Where it is now, and why."""

    state: DeploymentState
    code: str = ""
    reason: str = ""


def read_news(report: Mapping[str, Any], place: Place) -> News | None:
    """What a report changes; None if that is nothing. What came late for a rollout that is over
    counts for nodes that were away."""
    if not place.open and place.state is not D.DEFERRED:
        return None
    if place.rollout is RolloutState.ROLLING_BACK and place.open:
        return _read_return(report, place)
    news = _read_forward(report, place)
    if news is None or place.state not in MOVES[news.state]:
        return None
    return news if place.open or news.state in ENDS else None


def _read_forward(report: Mapping[str, Any], place: Place) -> News | None:
    settled = report["phase"] == Phase.IDLE
    if report["active"]["sha256"] == place.sha256:
        return News(D.HEALTHY) if settled else None
    if has_staged(report, place.sha256):
        return News(D.STAGED)
    attempt = report["attempt"]
    if not attempt or attempt["sha256"] != place.sha256 or _is_old(report, place):
        return None
    # Of what was healthy and does not run any more nothing is told: it went back since.
    state = SAID.get(attempt["state"])
    return News(state, attempt["code"], attempt["reason"]) if state else None


def has_staged(report: Mapping[str, Any], sha256: str) -> bool:
    """Whether a release lies ready on a node and was tried out there."""
    attempt, staged = report.get("attempt"), report.get("staged")
    if attempt and attempt["sha256"] == sha256:
        return bool(attempt["state"] == "staged")
    return bool(staged and staged["sha256"] == sha256)


def _is_old(report: Mapping[str, Any], place: Place) -> bool:
    """Whether the attempt may be one of an earlier rollout of the same release."""
    # Between the order to prepare and the order to switch lies one.
    late = 1 if place.state is D.ACTIVATING else 0
    return bool(place.state is not D.HEALTHY and report["rev"] < place.rev - late)


def _read_return(report: Mapping[str, Any], place: Place) -> News | None:
    if place.state not in (D.HEALTHY, D.ACTIVATING):
        return None
    settled = report["phase"] == Phase.IDLE
    if settled and report["active"]["sha256"] == place.before:
        # Or it still answers to the order before, and is about to switch.
        return News(D.ROLLED_BACK) if report["rev"] >= place.rev else None
    attempt = report["attempt"]
    # An attempt at a third release is an older story.
    mine = attempt and attempt["sha256"] in (place.before, place.sha256)
    if mine and attempt["state"] == "failed" and report["rev"] >= place.rev:
        return News(D.FAILED, Code.STUCK, attempt["reason"])
    return None
