"""One rollout: its waves, what guards it, what happened, and its verbs."""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from hive_site.kernel.errors import NotFound
from hive_site.pages.first_look import FirstLook
from hive_site.pages.frame import page, show
from hive_site.pages.rollouts import MOST_CELLS, draw_head, reason_of
from hive_site.pages.verbs import Kind
from hive_site.templatetags.hive import percent
from jobs.endings import endings_since
from ota.domain.guard import read_gauges
from ota.domain.states import DeploymentState
from ota.domain.verbs import fitting_verbs
from ota.models import Rollout
from ota.rows import read_view
from ota.selectors import rollout_view
from ota.verbs import ROLLOUT_VERBS

#: In waves of so many nodes there is room for their names.
MOST_NAMED = 48
#: What a node can be in a rollout, in the order in which it gets there.
STATES = [str(state) for state in DeploymentState]


@page
def rollout(request: HttpRequest, rollout_id: str) -> HttpResponse:
    """One rollout."""
    row, now = find_rollout(rollout_id), timezone.now()
    told, view = rollout_view(rollout_id), read_view(row, row.deployments.all())
    context = {
        "rollout": draw_head(told),
        "release": row.release,
        "terms": row.terms,
        "waves": list(_waves(told)),
        "skipped": [node for node in told["nodes"] if node["state"] == DeploymentState.SKIPPED],
        "states": [state for state in STATES if state in told["counts"]],
        "gauges": read_gauges(view, now),
        "work": compare_work(row),
        "events": [draw_event(event) for event in reversed(told["events"])],
        "buttons": KIND.buttons(request, rollout_id, *fitting_verbs(view, now)),
        "trouble": FirstLook().trouble,
    }
    return show(request, "ota/rollout_page.html", context, at="rollouts")


def find_rollout(rollout_id: str) -> Rollout:
    """The rollout. Raises `NotFound`."""
    wanted = rollout_id.replace("\0", "")
    found = Rollout.objects.select_related("release").filter(pk=wanted).first()
    if found is None:
        raise NotFound(f"there is no rollout {rollout_id!r}")
    return found


def draw_event(event: Mapping[str, Any]) -> dict[str, Any]:
    """Something that happened, with its moment as such, and its reason without a code."""
    why, at = reason_of(event["reason"]), datetime.fromisoformat(event["at"])
    return {**event, "reason": why, "at": at}


def _waves(told: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Waves with a cell for each node, or with numbers where they are too many."""
    for wave in told["waves"]:
        nodes = [
            {**node, "title": _title(node)}
            for node in told["nodes"]
            if node["wave"] == wave["index"] and node["state"] != DeploymentState.SKIPPED
        ]
        yield {
            **wave,
            "number": wave["index"] + 1,
            "count": len(nodes),
            "healthy": wave["nodes"].get(DeploymentState.HEALTHY, 0),
            "named": len(nodes) <= MOST_NAMED,
            "cells": nodes if len(nodes) <= MOST_CELLS else [],
        }


def _title(node: Mapping[str, Any]) -> str:
    """What a cell says in words, as js/rollout.js does."""
    done = f" {percent(node['fraction'])}" if node["fraction"] else ""
    step = f", {node['step']}{done}" if node["step"] else ""
    return f"{node['node']}: {node['state']}{step}" + (f": {node['reason']}" * bool(node["reason"]))


def compare_work(row: Rollout) -> list[dict[str, Any]]:
    """How work ended since the rollout began: on nodes that run its release, and on all others.

    Of the newest work only. Nothing if none ended, or before it began.
    """
    if row.started_at is None:
        return []
    healthy = row.deployments.filter(state=DeploymentState.HEALTHY)
    switched = dict(healthy.values_list("node", "changed_at"))
    good: Counter[bool] = Counter()
    bad: Counter[bool] = Counter()
    for end in endings_since(row.started_at):
        on_new = end.node in switched and end.at >= switched[end.node]
        (good if end.good else bad)[on_new] += 1
    if not good.total() + bad.total():
        return []
    return [_side(name, good[new], bad[new]) for name, new in ((row.release, True), ("", False))]


def _side(release: object, good: int, bad: int) -> dict[str, Any]:
    ended = good + bad
    return {"release": str(release), "ended": ended, "failed": bad / ended if ended else None}


KIND = Kind(name="rollout", place="rollout", at="rollouts", find=find_rollout, verbs=ROLLOUT_VERBS)
