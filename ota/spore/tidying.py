"""What a home needs done once a release has proved itself, and nobody waits for."""

import subprocess
from collections.abc import Collection
from pathlib import Path

from ota.domain.install.state import Slot
from ota.spore.cleaning import clean
from ota.spore.log import tell
from ota.spore.stagers import PROJECT

COMPILE_SECONDS = 300


def tidy(home: Path, needed: Collection[Slot]) -> None:
    """Delete what is not needed, and compile what is, for the next start. Raises `OSError`."""
    gone = clean(home, {slot.name for slot in needed})
    if gone:
        tell("home.cleaned", gone=len(gone))
    for slot in needed:
        if not slot.own:
            command = [slot.python, "-m", "ota.spore.bytecode", slot.tree]
            subprocess.run(command, cwd=PROJECT, timeout=COMPILE_SECONDS, check=False)
