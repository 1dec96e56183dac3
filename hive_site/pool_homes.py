"""Where Spores of pools on this machine have their homes, and how all of them end."""

from pathlib import Path

#: In the data directory; a folder for each pool.
POOLS = "pools"


def end_pools(folder: Path) -> None:
    """End all Spores of all pools whose homes are there."""
    pools = [each for each in folder.glob("*") if each.is_dir()]
    if not pools:
        return
    from nodes.autoscaling.providers.process import end_spores

    for pool in pools:
        end_spores(pool)
