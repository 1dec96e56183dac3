"""`hive invite`: a line that makes one machine, somewhere else, a node of this Hive."""

import argparse
import getpass
import sys
from typing import Any

from hive_site.commands.answers import answer
from hive_site.commands.up import find_nexus
from hive_site.kernel.arguments import seconds

HELP = "print the line that makes another machine a node"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """How long the line is good, and what it grants."""
    parser.add_argument(
        "--ttl", type=seconds, default=3600, metavar="SECONDS", help="default: %(default)s"
    )
    parser.add_argument("--name", default="", help="what it is called; replaces one of that name")
    parser.add_argument("--slots", type=int, metavar="N", help="what runs there at once")
    parser.add_argument(
        "--label", action="append", default=[], metavar="K=V", help="like site=lab; again for more"
    )
    parser.add_argument(
        "--capability", action="append", default=[], metavar="C", help="like ffmpeg; again for more"
    )
    parser.add_argument("--channels", default="", metavar="A,B", help="whose releases: dev, stable")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: dict[str, Any]) -> int:
    """Print the line. It works once."""
    from django.conf import settings
    from django.utils import timezone

    from nodes.invitations import Wish, invite
    from nodes.joining import line_for, warnings_for
    from nodes.spore.identity import read_labels

    nexus = find_nexus(settings.HIVE)
    wish = Wish(
        name=options["name"],
        slots=options["slots"],
        labels=read_labels(options["label"]),
        capabilities=options["capability"],
        channels=read_channels(options["channels"]),
    )
    who, now = f"{getpass.getuser()} (hive invite)", timezone.now()
    made, token = invite(wish, ttl=options["ttl"], who=who, now=now)
    line, warnings = line_for(nexus, token), warnings_for(nexus)
    if options["json"]:
        facts = {"token": token, "line": line, "expires_at": made.expires_at.isoformat()}
        answer({**facts, "name": made.name or None, "warnings": warnings})
        return 0
    sys.stdout.write(f"{line}\n")
    for warning in warnings:
        sys.stderr.write(f"hive invite: {warning}\n")
    sys.stderr.write(f"Good once, until {made.expires_at:%Y-%m-%d %H:%M} UTC. Keep it secret.\n")
    return 0


def read_channels(text: str) -> list[str]:
    """The channels in `text`, else those that the environment names, else `stable`."""
    from hive_site.kernel.env import Env

    given = [part.strip() for part in text.split(",") if part.strip()]
    return given or Env().listing("HIVE_OTA_CHANNELS", "stable")
