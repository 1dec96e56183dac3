"""The list of rollouts, and which release runs where."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from hive_site.kernel.errors import HiveError
from hive_site.pages.first_look import FirstLook
from hive_site.pages.frame import page, show
from ota.domain.states import ReleaseState
from ota.models import Release
from ota.selectors import count_releases, home_views, rollout_rows, trust_alarms

SHOWN = 20
SHOWN_RELEASES = 5
#: More nodes than this are told as numbers.
MOST_CELLS = 500
#: What pages say of a node's own state machine, where that differs.
PHASES = {"trial": "activating", "rollback": "rolling_back", "safe": "failed"}
OWN = "its own code"
CODE = re.compile("[a-z_]+")


@page
def rollout_list(request: HttpRequest) -> HttpResponse:
    """Rollouts, the newest first, a page at a time."""
    now, before = timezone.now(), request.GET.get("before", "").replace("\0", "")
    rows = rollout_rows(before=before or None, limit=SHOWN + 1)
    shown = [draw_head(row) for row in rows[:SHOWN]]
    published = Release.objects.filter(state=ReleaseState.PUBLISHED).order_by("-pk")
    homes = home_views(now)
    context = {
        "rollouts": shown,
        "before": before,
        "next": shown[-1]["id"] if len(rows) > SHOWN else "",
        "releases": published[:SHOWN_RELEASES],
        "versions": list(_versions(homes)),
        "nodes": len(homes),
        "alarms": read_alarms(now),
        "trouble": FirstLook().trouble,
    }
    return show(request, "ota/rollout_list.html", context, at="rollouts")


def draw_head(row: Mapping[str, Any]) -> dict[str, Any]:
    """A rollout as pages show it: moments as such, its reason without a code."""
    moments = {
        name: datetime.fromisoformat(row[name]) if row[name] else None
        for name in ("created_at", "started_at", "finished_at")
    }
    waves = [{**wave, "count": sum(wave["nodes"].values())} for wave in row["waves"]]
    return {**row, **moments, "waves": waves, "why": reason_of(row["reason"])}


def reason_of(text: str) -> str:
    """A reason without its code: "gate: wave 1 is done" says "wave 1 is done"."""
    code, colon, words = text.partition(": ")
    return words if colon and CODE.fullmatch(code) else text


def read_alarms(now: datetime) -> dict[str, list[str]]:
    """What of keys and signatures needs somebody, each with the roles that it is about; that
    they cannot be read is an alarm too."""
    alarms: dict[str, list[str]] = defaultdict(list)
    try:
        for each in trust_alarms(now):
            alarms[each["alarm"]].append(each["role"])
    except (HiveError, OSError) as error:
        alarms[f"it cannot be read: {error}"].append("repository")
    return dict(alarms)


def _versions(homes: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Per release, the one that most nodes run first: how many, and each of them."""
    homes = list(homes)
    groups: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for home in homes:
        groups[home["active"] or "?"].append(_cell(home))
    for version, count in sorted(count_releases(homes).items(), key=lambda pair: -pair[1]):
        cells = groups[version]
        yield {
            "version": {"own": OWN, "?": "not known"}.get(version, version),
            "count": count,
            "share": count / len(homes),
            "moving": sum(cell["state"] != "healthy" for cell in cells),
            "cells": cells if len(homes) <= MOST_CELLS else [],
        }


def _cell(home: Mapping[str, Any]) -> dict[str, str]:
    state, why = "healthy", "runs what is wanted of it"
    if not home["managed"]:
        state, why = "skipped", "takes no releases: it was started without a home"
    elif home["error"]:
        state, why = "failed", home["error"]
    elif home["phase"] not in ("", "idle"):
        state, why = PHASES.get(home["phase"], home["phase"]), f"on its way to {home['wanted']}"
    elif home["wanted"] not in ("", "own", home["active"]):
        state, why = "pending", f"{home['wanted']} is wanted of it"
    return {"node": home["node"], "state": state, "why": why}
