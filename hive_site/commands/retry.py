"""`hive retry`: run again what did not succeed of all jobs that flags describe."""

import argparse
from typing import Any

from hive_site.commands.sweeping import add_filters, sweep

HELP = "retry all jobs of a state, task, queue, workflow, label or age"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which jobs."""
    add_filters(parser)


def run(options: dict[str, Any]) -> int:
    """Retry what ended as partial, failed or cancelled."""
    from jobs import services

    return sweep(services.retry_jobs, options, done="running again")
