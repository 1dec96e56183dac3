"""`ota promote`: let the next wave of a rollout begin that waits for it."""

import argparse
from typing import Any

from ota.commands.moving import add_choices, move

HELP = "let the next wave of a rollout begin that waits for it"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which rollout, and whether to wait."""
    add_choices(parser)


def run(options: dict[str, Any]) -> int:
    """Open a gate. 1 if it was waited for and did not end well."""
    return move("promote", options)
