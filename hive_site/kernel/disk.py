"""What makes a change on a disk last."""

import os
from pathlib import Path


def sync_directory(folder: Path) -> None:
    """The names in a directory survive a power cut once this returns. Raises `OSError`."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
