"""The nodes, as the Nexus knows them: what they run, and what their clocks say."""

import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from hive_site.commands.checkups.finding import Finding, ok, warn

SKEW_SECONDS = 2.0
#: Nodes tell of their clocks only while somebody looks; the next picture but one has it.
LOOK_SECONDS, LOOK_EVERY_SECONDS = 4.0, 0.5
NAMED = 5


def check_fleet(*, agent: str, own: str) -> Iterator[Finding]:
    """Everything about the nodes that this Nexus knows; nothing if there are none."""
    from nodes.selectors import node_views

    views = node_views()
    if not views:
        return
    there = [view for view in views if view["state"] != "lost"]
    yield check_lost(views)
    yield check_agents(there, agent=agent)
    yield check_releases(there, own=own)
    if clocks := _read_clocks(there):
        yield check_clocks(clocks)


def check_lost(views: Iterable[Mapping[str, Any]]) -> Finding:
    """Whether every node that joined is there."""
    all_of_them = list(views)
    lost = [view["name"] for view in all_of_them if view["state"] == "lost"]
    if lost:
        mend = "start their Spores again, or forget them: DELETE /api/v1/nodes/NAME/"
        return warn("Nodes", f"{len(lost)} of {len(all_of_them)} lost: {_name(lost)}", mend)
    return ok("Nodes", f"{len(all_of_them)}, none lost")


def check_agents(views: Iterable[Mapping[str, Any]], *, agent: str) -> Finding:
    """Whether all agents speak as this version does."""
    others = [v["name"] for v in views if v["agent_version"] not in ("", agent)]
    if others:
        mend = "bring this version there: `ota build`, `ota publish`, `ota rollout`"
        return warn("Agents", f"another version than {agent} on {_name(others)}", mend)
    return ok("Agents", f"version {agent} everywhere")


def check_releases(views: Iterable[Mapping[str, Any]], *, own: str) -> Finding:
    """Whether all nodes run the same code."""
    by_release: dict[str, list[str]] = {}
    for view in views:
        by_release.setdefault(view["release"] or "unknown", []).append(view["name"])
    if len(by_release) > 1:
        few = sorted(by_release.items(), key=lambda item: len(item[1]))
        found = "; ".join(f"{release} on {_name(names)}" for release, names in few)
        return warn("Releases", found, "`ota status` says whether a rollout is under way")
    found = next(iter(by_release), "no node is there")
    return ok("Releases", found if found == own else f"{found}; the Nexus runs {own}")


def check_clocks(clocks: Mapping[str, float]) -> Finding:
    """Whose clock is far from Redis's. Leases do not mind, but the times that tasks see do."""
    off = {name: ahead for name, ahead in clocks.items() if abs(ahead) > SKEW_SECONDS}
    if off:
        worst = sorted(off, key=lambda name: -abs(off[name]))
        found = ", ".join(f"{name} {-off[name]:+.1f} s" for name in worst[:NAMED])
        return warn("Clocks of nodes", found, "set their clocks with NTP")
    return ok("Clocks of nodes", f"{len(clocks)} within {SKEW_SECONDS:g} s of Redis's")


def _read_clocks(there: list[dict[str, Any]]) -> dict[str, float]:
    """How far Redis's clock is ahead of each node's, in seconds; of those that tell."""
    from nodes.selectors import node_views

    give_up_at = time.monotonic() + (LOOK_SECONDS if there else 0)
    clocks: dict[str, float] = {}
    while len(clocks) < len(there) and time.monotonic() < give_up_at:
        for view in node_views():
            if isinstance(ahead := view["metrics"].get("clock"), int | float):
                clocks[view["name"]] = float(ahead)
        time.sleep(LOOK_EVERY_SECONDS)
    return clocks


def _name(names: list[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(sorted(names)[:NAMED]) + more
