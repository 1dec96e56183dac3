"""`hive webhook-secret`: what receivers of webhooks need to know who sends them."""

import argparse
import sys
from typing import Any

from hive_site.commands.answers import answer

HELP = "print the secret that signs webhooks"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """No choices but the form of the answer."""
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: dict[str, Any]) -> int:
    """Print it; the first start made it."""
    from django.conf import settings

    if options["json"]:
        answer({"webhook_secret": settings.HIVE_WEBHOOK_SECRET})
    else:
        sys.stdout.write(settings.HIVE_WEBHOOK_SECRET + "\n")
        sys.stderr.write("Give it to receivers only: whoever has it can pass for this Hive.\n")
    return 0
