"""`ota prune`: forget packages that nobody needs any more."""

import argparse
from typing import Any

from ota.commands.answers import answer, say

HELP = "forget packages that nobody needs any more"
KEEP = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """How many stay in any case, and whether to only look."""
    parser.add_argument(
        "--keep",
        type=whole_number,
        default=KEEP,
        metavar="N",
        help=f"the newest of each channel that stay (default: {KEEP})",
    )
    parser.add_argument("--dry-run", action="store_true", help="only say what would go")
    parser.add_argument("--json", action="store_true", help="print JSON")


def whole_number(text: str) -> int:
    """A whole number, 0 or more."""
    if not (text.isdecimal() and len(text) < 10):
        raise argparse.ArgumentTypeError(f"{text!r}; give a whole number, 0 or more")
    return int(text)


def run(options: dict[str, Any]) -> int:
    """Forget, and say what."""
    from dataclasses import asdict

    from django.utils import timezone

    from ota.services.pruning import prune

    dry = options["dry_run"]
    found = prune(keep=options["keep"], who="ota prune", now=timezone.now(), dry_run=dry)
    if options["json"]:
        answer({"dry_run": dry, **asdict(found)})
        return 0
    verb = "would be" if dry else "was"
    for version in found.releases:
        say(f"release {version} {verb} forgotten")
    for name in found.leftovers:
        say(f"file {name} {verb} removed")
    say(f"releases: {len(found.releases)}, space: {found.freed_bytes:,} bytes")
    return 0
