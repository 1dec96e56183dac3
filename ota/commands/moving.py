"""What all verbs that move a rollout have in common."""

import argparse
from typing import Any

from hive_site.kernel.arguments import seconds
from ota.commands.answers import answer, say

WHO = "ota"


#: How a rollout ends well after each verb; of one that was paused nobody waits for the end.
GOOD = {"rollback": "rolled_back", "abort": "aborted"}
SUCCEEDED = "succeeded"


def add_choices(parser: argparse.ArgumentParser, *, waiting: bool = True) -> None:
    """Which rollout, and whether to wait for what becomes of it."""
    parser.add_argument("id", metavar="ID", help="of the rollout, as `ota status` shows it")
    if waiting:
        add_waiting(parser)
    else:
        parser.add_argument("--json", action="store_true", help="print JSON")


def add_waiting(parser: argparse.ArgumentParser) -> None:
    """Whether to wait, and the form of the answer."""
    parser.add_argument("--wait", type=seconds, default=0, metavar="SECONDS", help="for its end")
    parser.add_argument("--json", action="store_true", help="print JSON")


def move(verb: str, options: dict[str, Any]) -> int:
    """Move the rollout; 1 if it was waited for and did not end well."""
    from ota.commands.following import follow
    from ota.services.rollouts import move_rollout

    rollout = move_rollout(rollout_id=options["id"], verb=verb, who=f"{WHO} {verb}")
    if options.get("wait"):
        view = follow(rollout.pk, options["wait"])
        return conclude(view, options, good=GOOD.get(verb, SUCCEEDED))
    show(rollout.pk, options)
    return 0


def show(rollout_id: str, options: dict[str, Any]) -> None:
    """The rollout for programs, or in a line."""
    from ota.selectors import rollout_view

    view = rollout_view(rollout_id)
    if options["json"]:
        answer(view)
        return
    say(headline(view))
    say(f"follow it: manage.py ota status {rollout_id}")


def conclude(view: dict[str, Any], options: dict[str, Any], *, good: str = SUCCEEDED) -> int:
    """What became of a rollout that was waited for, and the exit code."""
    if options["json"]:
        answer(view)
    else:
        say(headline(view))
        for line in (*reasons(view), *ways_on(view)):
            say(f"  {line}")
    # Who was offline is not where it should be yet.
    return 0 if view["state"] == good and not view["counts"].get("deferred") else 1


def headline(view: dict[str, Any]) -> str:
    """A rollout in one line."""
    counts = ", ".join(f"{count} {state}" for state, count in sorted(view["counts"].items()))
    why = f" ({view['reason']})" if view["reason"] else ""
    return f"{view['id']}  {view['release']}  {view['state']}{why}: {counts or 'no nodes'}"


def reasons(view: dict[str, Any]) -> list[str]:
    """Why some nodes are not healthy, a line each."""
    return [
        f"{node['node']}: {node['state']}" + (f" ({node['reason']})" if node["reason"] else "")
        for node in view["nodes"]
        if node["state"] != "healthy"
    ]


def ways_on(view: dict[str, Any]) -> list[str]:
    """What may be done with a rollout that waits for a person; empty if it does not."""
    if view["state"] != "paused":
        return []
    verb = "promote" if view["reason"].startswith("gate:") else "resume"
    return [f"go on, or go back: manage.py ota {verb}|abort|rollback {view['id']}"]
