"""`hive login-link`: a fresh way in for whoever lost the one that `hive up` printed, or for
somebody else."""

import argparse
import sys
from typing import Any

from hive_site.commands.answers import answer
from hive_site.commands.up import find_nexus

HELP = "print a link that logs somebody in, once and within an hour"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Whom it lets in, as what, and the form of the answer."""
    from nodes.roles import ROLES

    parser.add_argument("--user", default="", help="who comes in (default: the first superuser)")
    parser.add_argument("--role", default="", choices=ROLES, help="what that user may do")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: dict[str, Any]) -> int:
    """Print a link that logs in once, within an hour."""
    from django.conf import settings

    from nodes.login_links import make_login_link

    whom = {"name": options["user"], "role": options["role"]}
    link = make_login_link(find_nexus(settings.HIVE), **whom)
    if options["json"]:
        answer({"login_url": link})
    else:
        sys.stdout.write(link + "\n")
    return 0
