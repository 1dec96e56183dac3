"""`hive top`: the cluster on a terminal, once a second."""

import argparse
import os
import sys
import time
from typing import TYPE_CHECKING, Any

from hive_site.commands.answers import answer
from hive_site.kernel.arguments import seconds
from hive_site.kernel.env import Env
from hive_site.kernel.errors import HiveError

if TYPE_CHECKING:
    from hive_site.top.facts import Source

HELP = "watch the cluster on a terminal"
LEAST_INTERVAL_SECONDS = 0.2
#: Where there is no terminal whose width is known.
PLAIN_WIDTH = 120


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Beside the Nexus nothing is needed; from elsewhere its address and a key."""
    parser.add_argument("--once", action="store_true", help="print one picture and exit")
    parser.add_argument("--json", action="store_true", help="print one picture as JSON and exit")
    parser.add_argument(
        "--interval", type=seconds, default=1.0, metavar="SECONDS", help="between looks (default 1)"
    )
    parser.add_argument(
        "--nexus", metavar="URL", help="ask a Nexus over REST (HIVE_NEXUS_URL with HIVE_API_KEY)"
    )
    parser.add_argument(
        "--key", metavar="KEY", help="API key with the scope read; better in HIVE_API_KEY, unseen"
    )


def run(options: dict[str, Any]) -> int:
    """Watch until somebody presses q; without a terminal, print one picture."""
    from jobs.client import HiveError as Refused

    source, on_screen = find_source(options), sys.stdin.isatty() and sys.stdout.isatty()
    if options["json"] or options["once"] or not on_screen:
        try:
            return print_once(source, as_json=options["json"])
        except Refused as error:
            raise HiveError(f"the Nexus refused: {error}") from error
    from hive_site.top.screen import open_console, run_screen

    interval = max(options["interval"], LEAST_INTERVAL_SECONDS)
    return run_screen(source, open_console(), interval=interval)


def print_once(source: "Source", *, as_json: bool) -> int:
    """One picture as text or JSON; 1 if it is only a memory, as nobody leads or Redis is away."""
    from rich.console import Console

    from hive_site.top.drawing import Manner, draw
    from hive_site.top.view import Watcher

    view = Watcher().see(source.look(history=True))
    if as_json:
        answer(view.as_json())
    else:
        # A pipe has no width: wide enough for all there is to tell.
        width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else PLAIN_WIDTH
        console = Console(highlight=False, width=width)
        console.print(draw(view, Manner(width=console.width, now=time.time())))
    return 0 if view.cluster["foreman"]["state"] == "leading" and not view.trouble else 1


def find_source(options: dict[str, Any]) -> "Source":
    """REST if a Nexus was named, with a key; else what the Nexus itself reads. Raises `Invalid`."""
    from hive_site.spore_start import read_address
    from hive_site.top.facts import Afar, Beside

    env = Env(os.environ)
    named = env.text("HIVE_NEXUS_URL") if env.text("HIVE_API_KEY") else ""
    url = read_address(options["nexus"]) or named
    if not (url or options["key"]):
        return Beside()
    from django.conf import settings

    from hive_site.commands.mcp import find_hive
    from hive_site.commands.up import find_nexus

    hive = settings.HIVE
    return Afar(find_hive(url or find_nexus(hive), options["key"], env, hive.data))
