"""`hive revoke`: puts a node out for good."""

import argparse
import getpass
import sys
from dataclasses import asdict
from typing import Any

from hive_site.commands.answers import answer

HELP = "put a node out for good: its keys are worth nothing from now on"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which node."""
    parser.add_argument("name", metavar="NAME", help="of the node")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: dict[str, Any]) -> int:
    """Revoke its keys, cut its connections, and say so."""
    from django.utils import timezone

    from nodes.joining import revoke

    who = f"{getpass.getuser()} (hive revoke)"
    outcome = revoke(options["name"], who=who, now=timezone.now())
    if options["json"]:
        answer(asdict(outcome))
    else:
        name = outcome.name
        sys.stdout.write(f"{name} is revoked: {outcome.redis}. Its work runs elsewhere.\n")
        sys.stderr.write(f"`hive invite --name {name}` lets it in again, with other keys.\n")
    return 0
