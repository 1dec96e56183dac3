"""`ota abort`: end a rollout; nodes that have not switched stay as they are."""

import argparse
from typing import Any

from ota.commands.moving import add_choices, move

HELP = "end a rollout; nodes that have not switched stay as they are"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which rollout, and whether to wait."""
    add_choices(parser)


def run(options: dict[str, Any]) -> int:
    """Leave who has not switched. 1 if it was waited for and did not end well."""
    return move("abort", options)
