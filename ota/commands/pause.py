"""`ota pause`: let no more nodes switch."""

import argparse
from typing import Any

from ota.commands.moving import add_choices, move

HELP = "let no more nodes switch"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which rollout."""
    add_choices(parser, waiting=False)


def run(options: dict[str, Any]) -> int:
    """Offer nothing more; nodes that switch come to their end."""
    return move("pause", options)
