"""`hive cancel`: stop all jobs that flags describe."""

import argparse
from typing import Any

from hive_site.commands.sweeping import add_filters, sweep

HELP = "cancel all jobs of a state, task, queue, workflow, label or age"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which jobs."""
    add_filters(parser)


def run(options: dict[str, Any]) -> int:
    """Cancel what has not ended."""
    from jobs import services

    return sweep(services.cancel_jobs, options, done="being cancelled")
