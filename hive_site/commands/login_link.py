"""`hive login-link`: a fresh way in for whoever lost the one that `hive up` printed."""

import argparse
import sys
from typing import Any

from hive_site.commands.answers import answer
from hive_site.commands.up import find_nexus

HELP = argparse.SUPPRESS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """No choices but the form of the answer."""
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: dict[str, Any]) -> int:
    """Print a link that logs in once, within an hour."""
    from django.conf import settings

    from nodes.login_links import make_login_link

    link = make_login_link(find_nexus(settings.HIVE))
    if options["json"]:
        answer({"login_url": link})
    else:
        sys.stdout.write(link + "\n")
    return 0
