"""`ota rollout`: bring a release to nodes, wave by wave."""

import argparse
from typing import Any

from hive_site.kernel.errors import Invalid
from ota.commands.answers import answer, say
from ota.commands.moving import add_waiting, conclude, show
from ota.domain.states import Strategy

HELP = "bring a release to nodes, wave by wave"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What, to whom, how, and whether to wait."""
    parser.add_argument("version", metavar="V", help="of a release that was published")
    parser.add_argument(
        "--strategy", choices=[str(word) for word in Strategy], default=str(Strategy.FAST)
    )
    parser.add_argument(
        "--select",
        action="append",
        default=[],
        metavar="K=V",
        help="only nodes with this label; several: with all of them",
    )
    parser.add_argument(
        "--supersede", action="store_true", help="take over nodes that other rollouts have in hand"
    )
    parser.add_argument("--dry-run", action="store_true", help="say whom it would touch, and stop")
    add_waiting(parser)


def run(options: dict[str, Any]) -> int:
    """Begin; 0 if it was not waited for, or all nodes are healthy."""
    from ota.commands.following import follow
    from ota.services.rollouts import create_rollout, preview_rollout

    wish = {
        "release": options["version"],
        "strategy": options["strategy"],
        "selector": read_selector(options["select"]),
    }
    if options["dry_run"]:
        show_plan(preview_rollout(**wish), options)
        return 0
    rollout = create_rollout(**wish, replace=options["supersede"], who="ota rollout")
    if options["wait"]:
        return conclude(follow(rollout.pk, options["wait"]), options)
    show(rollout.pk, options)
    return 0


def read_selector(pairs: list[str]) -> dict[str, str]:
    """Labels from `k=v`. Raises `Invalid`."""
    found: dict[str, str] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not (name and equals):
            raise Invalid(f"--select {pair!r}: give LABEL=TEXT", field="select")
        found[name] = text
    return found


def show_plan(plan: Any, options: dict[str, Any]) -> None:
    """Whom it would touch."""
    from ota.selectors import plan_view

    view = plan_view(plan)
    if options["json"]:
        answer(view)
        return
    for index, wave in enumerate(view["waves"]):
        say(f"wave {index + 1}: {len(wave)} node{'s' * (len(wave) != 1)}: {', '.join(wave)}")
    for name in view["offline"]:
        say(f"{name} is offline and would follow when it is back")
    for name, why in sorted(view["skipped"].items()):
        say(f"{name} is left out: {why}")
    for name, other in sorted(view["taken"].items()):
        say(f"{name} is in the hands of {other}: add --supersede to take it over")
