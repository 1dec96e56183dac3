"""What a launcher is started with."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ota.domain.install.state import Slot
from ota.spore.agents import Recipe
from ota.spore.messenger import POLL_SECONDS, Desk
from ota.spore.stagers import COMMAND


@dataclass(frozen=True, slots=True)
class Options:
    """What a launcher is started with."""

    home: Path
    #: The code that the Spore was started from.
    own: Slot
    recipe: Recipe
    desk: Desk
    channels: tuple[str, ...]
    #: What the stager must know besides the release (ota/spore/stager.py).
    stager: dict[str, Any]
    stager_env: dict[str, str]
    stager_command: tuple[str, ...] = COMMAND
    poll_seconds: float = POLL_SECONDS
