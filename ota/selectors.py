"""Reads of updates: rollouts with their nodes, and which node runs what."""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from django.db.models import Count

from hive_site.kernel.errors import NotFound
from nodes.models import Node
from ota.domain.states import DeploymentState
from ota.models import Deployment, Home, OtaEvent, Rollout
from ota.repositories import open_repository
from ota.services.planning import Plan

#: The newest events that a rollout's view shows.
SHOWN_EVENTS = 200


def rollout_view(rollout_id: str) -> dict[str, Any]:
    """A rollout with its nodes and what happened. Raises `NotFound`."""
    rollout = Rollout.objects.select_related("release").filter(pk=rollout_id).first()
    if rollout is None:
        raise NotFound(f"there is no rollout {rollout_id!r}")
    rows = list(rollout.deployments.order_by("wave", "node"))
    names = [row.node for row in rows]
    homes = {home.node: home for home in Home.objects.filter(node__in=names)}
    return {
        **_head(rollout, Counter((row.wave, row.state) for row in rows)),
        "nodes": [_node(row, homes.get(row.node)) for row in rows],
        "events": list(rollout_events(rollout_id).values()),
    }


def rollout_events(rollout_id: str) -> dict[int, dict[str, Any]]:
    """The newest events of a rollout by their numbers, the oldest of them first."""
    events = OtaEvent.objects.filter(rollout=rollout_id).order_by("-pk")[:SHOWN_EVENTS]
    return {event.pk: _event(event) for event in reversed(events)}


def rollout_rows(*, before: str | None, limit: int) -> list[dict[str, Any]]:
    """Rollouts without their nodes, the newest first, from behind the one called `before`."""
    rows = Rollout.objects.select_related("release").order_by("-pk")
    page = list((rows.filter(pk__lt=before) if before else rows)[:limit])
    counts: dict[str, Counter[tuple[int, str]]] = {row.pk: Counter() for row in page}
    groups = Deployment.objects.filter(rollout__in=page).order_by()
    for row in groups.values("rollout_id", "wave", "state").annotate(n=Count("pk")):
        counts[row["rollout_id"]][row["wave"], row["state"]] = row["n"]
    return [_head(rollout, counts[rollout.pk]) for rollout in page]


def _head(rollout: Rollout, counts: Counter[tuple[int, str]]) -> dict[str, Any]:
    states: Counter[str] = Counter()
    for (_, state), count in counts.items():
        states[state] += count
    return {
        "id": rollout.pk,
        "release": rollout.release.version,
        "strategy": rollout.strategy,
        "selector": rollout.selector,
        "state": rollout.state,
        "reason": rollout.reason,
        "wave": rollout.wave,
        "waves": [
            {"index": index, **wave, "nodes": _of_wave(index, counts)}
            for index, wave in enumerate(rollout.waves)
        ],
        "counts": dict(states),
        "created_by": rollout.created_by,
        "created_at": _time(rollout.created_at),
        "started_at": _time(rollout.started_at),
        "finished_at": _time(rollout.finished_at),
    }


def _of_wave(index: int, counts: Counter[tuple[int, str]]) -> dict[str, int]:
    skipped = DeploymentState.SKIPPED
    return {
        state: count
        for (wave, state), count in sorted(counts.items())
        if wave == index and state != skipped
    }


def _node(row: Deployment, home: Home | None) -> dict[str, Any]:
    attempt = (home.report.get("attempt") if home else None) or {}
    return {
        "node": row.node,
        "wave": row.wave,
        "state": row.state,
        "code": row.code,
        "reason": row.reason,
        "from_version": row.from_version,
        "step": attempt.get("step", ""),
        "fraction": attempt.get("fraction", 0.0),
        "changed_at": _time(row.changed_at),
    }


def _event(event: OtaEvent) -> dict[str, Any]:
    return {
        "at": _time(event.at),
        "what": event.what,
        "node": event.node,
        "who": event.who,
        "reason": event.reason,
    }


def plan_view(plan: Plan) -> dict[str, Any]:
    """What a rollout would do."""
    return {
        "release": plan.release.version,
        "waves": plan.waves,
        "offline": plan.offline,
        "skipped": plan.skipped,
        "taken": plan.taken,
    }


def home_views(now: datetime) -> list[dict[str, Any]]:
    """Which node runs what, and what is wanted of it: all nodes, by name."""
    homes = {home.node: home for home in Home.objects.select_related("wanted")}
    nodes = dict(Node.objects.values_list("name", "release"))
    return [
        _home(name, homes.get(name), nodes.get(name, ""), now) for name in sorted({*homes, *nodes})
    ]


def home_view(name: str, now: datetime) -> dict[str, Any]:
    """What runs on one node, and what is wanted of it."""
    home = Home.objects.select_related("wanted").filter(node=name).first()
    release = Node.objects.filter(name=name).values_list("release", flat=True).first()
    return _home(name, home, release or "", now)


def _home(name: str, home: Home | None, release: str, now: datetime) -> dict[str, Any]:
    home = home or Home(node=name)
    report, attempt = home.report, home.report.get("attempt") or {}
    managed = home.reported_at is not None
    return {
        "node": name,
        "managed": managed,
        "active": home.active_version if managed else release,
        "previous": home.previous_version,
        "wanted": "own" if home.wanted_own else home.wanted.version if home.wanted else "",
        "phase": home.phase,
        "staged": (report.get("staged") or {}).get("version", ""),
        "error": attempt.get("reason", "") if attempt.get("state") in WRONG else "",
        "quarantine": report.get("quarantine", []),
        "metadata_expires_at": _expiry(report),
        "reported_at": _time(home.reported_at),
        "report_age": max((now - home.reported_at).total_seconds(), 0) if managed else None,
    }


WRONG = ("failed", "rolled_back")


def _expiry(report: dict[str, Any]) -> str | None:
    seconds = (report.get("trust") or {}).get("expires", 0)
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat() if seconds else None
    except (ValueError, OverflowError, OSError):
        return None


def count_releases(homes: Iterable[dict[str, Any]]) -> dict[str, int]:
    """On how many nodes which release runs."""
    return dict(Counter(home["active"] or "?" for home in homes))


def _time(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def trust_alarms(now: datetime) -> list[dict[str, str]]:
    """Roles whose keys or signatures need somebody, each with what is to be done."""
    repository = open_repository()
    roles = repository.roles(now) if repository else []
    return [{"role": role.name, "alarm": role.alarm} for role in roles if role.alarm]
