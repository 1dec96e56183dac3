"""`ota rollback`: bring the nodes of a rollout back to what they ran before."""

import argparse
from typing import Any

from ota.commands.moving import add_choices, move

HELP = "bring the nodes of a rollout back to what they ran before"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which rollout, and whether to wait."""
    add_choices(parser)


def run(options: dict[str, Any]) -> int:
    """Bring everybody back. 1 if it was waited for and did not end well."""
    return move("rollback", options)
