"""Jobs of RQ's own that have nothing to do with the Hive."""

from pathlib import Path


def sweep(floor: str) -> str:
    """Leaves a broom where it swept."""
    (Path(floor) / "broom").touch()
    return "clean"
