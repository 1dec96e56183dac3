"""`ota status`: what runs where, what is under way, and keys that run out."""

import argparse
from typing import Any

from ota.commands.answers import answer, say
from ota.commands.moving import headline, reasons, ways_on

HELP = "show which releases run where, or one rollout with its nodes"
#: Rollouts that are over and are shown all the same.
SHOWN = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """All of it, or one rollout."""
    parser.add_argument("id", nargs="?", metavar="ID", help="of a rollout")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: dict[str, Any]) -> int:
    """Print what is known."""
    if options["id"]:
        return run_one(options)
    status = read_status()
    if options["json"]:
        answer(status)
    else:
        show(status)
    return 0


def run_one(options: dict[str, Any]) -> int:
    """One rollout."""
    from ota.commands.following import who_leads
    from ota.domain.view import FINAL
    from ota.selectors import rollout_view

    view = rollout_view(options["id"])
    if options["json"]:
        answer(view)
        return 0
    say(headline(view))
    if view["state"] not in FINAL and (nobody := who_leads()):
        say(f"foreman: {nobody}")
    for wave in view["waves"]:
        counts = ", ".join(f"{count} {state}" for state, count in wave["nodes"].items())
        say(f"wave {wave['index'] + 1}: {wave['state']}: {counts}")
    for line in (*reasons(view), *ways_on(view)):
        say(f"  {line}")
    return 0


def read_status() -> dict[str, Any]:
    """Releases on nodes, rollouts, and alarms of keys."""
    from django.utils import timezone

    from ota import selectors
    from ota.domain.view import FINAL

    now = timezone.now()
    homes = selectors.home_views(now)
    rollouts = selectors.rollout_rows(before=None, limit=100)
    over = [row for row in rollouts if row["state"] in FINAL]
    return {
        "releases": selectors.count_releases(homes),
        "nodes": homes,
        "rollouts": [row for row in rollouts if row["state"] not in FINAL],
        "last": over[:SHOWN],
        "alarms": selectors.trust_alarms(now),
    }


def show(status: dict[str, Any]) -> None:
    """The answer for people."""
    from ota.commands.following import who_leads

    for version, count in sorted(status["releases"].items()):
        say(f"{version}: {count} node{'s' * (count != 1)}")
    if not status["releases"]:
        say("no nodes yet")
    if status["rollouts"] and (nobody := who_leads()):
        say(f"foreman: {nobody}")
    for row in status["rollouts"] + status["last"]:
        say(headline(row))
    for node in status["nodes"]:
        if node["error"]:
            say(f"{node['node']}: {node['error']}")
    for alarm in status["alarms"]:
        say(f"{alarm['role']}: {alarm['alarm']}")
