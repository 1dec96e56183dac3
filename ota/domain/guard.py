"""What the Conductor measures of a rollout, beside what would stop it. Pure; evaluated alike in
`ota.domain.rollout`."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from ota.domain.states import DeploymentState, RolloutState, WaveState
from ota.domain.view import Tally, View


@dataclass(frozen=True, slots=True)
class Gauge:
    """One figure: what it is now, what it may be, how much of that is used up (0 to 1), and
    whether it is too much."""

    name: str
    now: str
    limit: str
    used: float = 0.0
    trips: bool = False


def read_gauges(view: View, now: datetime) -> list[Gauge]:
    """What is measured of the wave that is under way; nothing for a draft, or without waves."""
    if view.state is RolloutState.DRAFT or not view.waves:
        return []
    return list(_gauges(view, Tally.of(view.of_wave(view.wave)), now))


def _gauges(view: View, tally: Tally, now: datetime) -> Iterator[Gauge]:
    terms = view.terms
    if view.wave == 0 and terms.canary_abs:
        yield Gauge(
            "Failures of the first wave",
            f"{tally.failed} of {tally.counted}",
            f"stops at {terms.canary_abs}",
            min(tally.failed / terms.canary_abs, 1.0),
            tally.failed >= terms.canary_abs,
        )
    yield _failed_of_tried(view, tally)
    yield _can_succeed(view, tally)
    if view.state is RolloutState.RUNNING:
        yield from _clocks(view, now)


def _failed_of_tried(view: View, tally: Tally) -> Gauge:
    terms, executed = view.terms, tally.executed
    share = tally.failed * 100 / executed if executed else 0.0
    # Before so many were tried, the share of failures decides nothing.
    counts = executed >= terms.min_executed
    return Gauge(
        "Failed of those tried",
        f"{tally.failed} of {executed} ({share:.0f} %)" if executed else "none yet",
        f"stops at {terms.error_pct} %, once {terms.min_executed} were tried",
        min(share / terms.error_pct, 1.0),
        counts and tally.failed * 100 >= terms.error_pct * executed,
    )


def _can_succeed(view: View, tally: Tally) -> Gauge:
    counted, percent = tally.counted, view.terms.success_pct
    may_fail = counted * (100 - percent) / 100
    healthy = tally.healthy * 100 / counted if counted else 0.0
    return Gauge(
        "Healthy of the wave",
        f"{tally.healthy} of {counted} ({healthy:.0f} %)",
        f"{percent} % must become healthy",
        min(tally.failed / max(may_fail, 1.0), 1.0),
        tally.failed > may_fail,
    )


def _clocks(view: View, now: datetime) -> Iterator[Gauge]:
    """What is waited for: that a wave was watched long enough, or that a node comes through."""
    wave, terms = view.waves[view.wave], view.terms
    if wave.state is WaveState.BAKING and wave.since:
        passed = (now - wave.since).total_seconds()
        yield Gauge("Watched since it is up", _minutes(passed), f"of {_minutes(terms.bake)}")
    elif wave.state is WaveState.ACTIVATING and wave.since:
        members = view.of_wave(view.wave)
        times = [one.since for one in members if one.state is DeploymentState.HEALTHY]
        passed = (now - max([wave.since, *times])).total_seconds()
        yield Gauge(
            "Since a node became healthy",
            _minutes(passed),
            f"stops at {_minutes(terms.progress_deadline)}",
            min(max(passed / terms.progress_deadline, 0.0), 1.0),
            passed >= terms.progress_deadline,
        )


def _minutes(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
