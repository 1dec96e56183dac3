"""Rollouts between their rows and what decisions are made from."""

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from typing import Any

from ota.domain.states import DeploymentState, RolloutState, WaveState
from ota.domain.strategies import Terms
from ota.domain.view import FINAL, Member, View, Wave
from ota.models import Deployment, OtaEvent, Rollout

SAME_WAVE = -1
#: Everybody goes through these; a row for each would bury the others.
UNTOLD = frozenset({DeploymentState.PENDING, DeploymentState.STAGING, DeploymentState.STAGED})


def read_view(
    rollout: Rollout, deployments: Iterable[Deployment], *, silent: Collection[str] = ()
) -> View:
    """A rollout with these of its nodes, some of which were not heard for a while."""
    members = {
        row.node: Member(
            name=row.node,
            wave=row.wave,
            state=DeploymentState(row.state),
            since=row.changed_at,
            silent=row.node in silent,
            code=row.code,
            reason=row.reason,
        )
        for row in deployments
    }
    return View(
        state=RolloutState(rollout.state),
        terms=Terms.read(rollout.terms),
        waves=tuple(map(_read_wave, rollout.waves)),
        members=members,
        since=rollout.changed_at,
        wave=rollout.wave,
        reason=rollout.reason,
    )


def write_waves(waves: Iterable[Wave]) -> list[dict[str, Any]]:
    """Waves as JSON."""
    return [
        {"state": str(wave.state), "since": wave.since.isoformat() if wave.since else None}
        for wave in waves
    ]


def _read_wave(row: dict[str, Any]) -> Wave:
    since = row["since"]
    return Wave(WaveState(row["state"]), datetime.fromisoformat(since) if since else None)


def write_view(rollout: Rollout, before: View, then: View, *, now: datetime, who: str = "") -> None:
    """Write what became of a rollout, with its events; nothing for what stayed as it was."""
    events = list(_write_members(rollout, before, then, now, who))
    if then.state != before.state:
        events.append(_event(rollout, now, who, what=then.state, reason=then.reason))
    elif then.wave != before.wave:
        events.append(_event(rollout, now, who, what="wave", reason=f"wave {then.wave + 1}"))
    if _head(then) != _head(before):
        _write_rollout(rollout, then, now)
    if then.state in FINAL and then.state != before.state:
        Deployment.objects.filter(rollout=rollout, open=True).update(open=False)
    OtaEvent.objects.bulk_create(events)


def _head(view: View) -> tuple[Any, ...]:
    return view.state, view.reason, view.wave, view.waves, view.since


def _write_rollout(rollout: Rollout, then: View, now: datetime) -> None:
    if rollout.state == RolloutState.DRAFT and then.state == RolloutState.RUNNING:
        rollout.started_at = now
    rollout.state, rollout.reason = then.state, then.reason[:300]
    rollout.wave, rollout.waves = then.wave, write_waves(then.waves)
    rollout.changed_at = then.since
    rollout.finished_at = now if then.state in FINAL else None
    rollout.save(
        update_fields=(
            *("state", "reason", "wave", "waves"),
            *("changed_at", "started_at", "finished_at"),
        )
    )


def _write_members(
    rollout: Rollout, before: View, then: View, now: datetime, who: str
) -> Iterator[OtaEvent]:
    """In one statement for all nodes that go the same way; those that went another way since they
    were read stay where they are."""
    groups: dict[tuple[DeploymentState, Member], list[str]] = {}
    for name, one in then.members.items():
        old = before.members[name]
        if (one.state, one.wave, one.since) != (old.state, old.wave, old.since):
            wave = SAME_WAVE if one.wave == old.wave else one.wave
            way = Member("", wave, one.state, one.since, False, one.code, one.reason)
            groups.setdefault((old.state, way), []).append(name)
    for (old_state, way), names in groups.items():
        rows = Deployment.objects.filter(rollout=rollout, node__in=names, state=old_state)
        rows.update(
            **({} if way.wave == SAME_WAVE else {"wave": way.wave}),
            state=way.state,
            code=way.code[:32],
            reason=way.reason[:500],
            changed_at=way.since,
        )
        if way.state not in UNTOLD and way.state != old_state:
            for name in names:
                yield _event(rollout, now, who, what=way.state, node=name, reason=way.reason)


def _event(
    rollout: Rollout, now: datetime, who: str, *, what: str, node: str = "", reason: str = ""
) -> OtaEvent:
    return OtaEvent(
        at=now,
        rollout=rollout,
        release=rollout.release.version,
        node=node,
        who=who,
        what=what,
        reason=reason[:500],
    )
