"""`ota resume`: go on with a rollout that is paused; what failed is tried again."""

import argparse
from typing import Any

from ota.commands.moving import add_choices, move

HELP = "go on with a rollout that is paused; what failed is tried again"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which rollout, and whether to wait."""
    add_choices(parser)


def run(options: dict[str, Any]) -> int:
    """Go on. 1 if it was waited for and did not end well."""
    return move("resume", options)
