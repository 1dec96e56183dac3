"""`hive settle`: what a restored directory needs before anything runs on it. `hive restore` runs
it as a child, on a directory of its own."""

import argparse
import sys
from datetime import datetime
from typing import Any

from hive_site.commands.answers import answer

HELP = argparse.SUPPRESS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """How old it is."""
    parser.add_argument("made_at", type=datetime.fromisoformat)


def run(options: dict[str, Any]) -> int:
    """Migrate, and outrun whatever went on since the backup was made."""
    from django.core.management import call_command
    from django.utils import timezone

    from hive_site.backups.settling import settle

    call_command("migrate", interactive=False, verbosity=0, stdout=sys.stderr)
    answer({"to_know": settle(options["made_at"], timezone.now())})
    return 0
