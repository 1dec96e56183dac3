"""Spores that a test adds to the Hive that all share, and takes along when it ends."""

import _ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from hive_site.stack.processes import Child
from hive_site.stack.recipes import Recipes
from nodes.spore.sensors import NVML
from tests.end_to_end.colony import Colony, until

#: A stand-in for NVML, for machines without a GPU.
DRIVERS = Path(__file__).parent / "drivers"


@contextmanager
def guest(colony: Colony, name: str, *flags: str, slots: int = 1, **env: str) -> Iterator[Child]:
    """One more Spore, online, with more arguments and variables; it is forgotten afterwards."""
    recipe = Recipes().spore(colony.stack._place, name, slots=slots)
    recipe = replace(recipe, argv=[*recipe.argv, *flags], env={**recipe.env, **env})
    child = Child(recipe, logs=colony.stack.logs)

    def state() -> str:
        return str(colony.nodes().get(name, {}).get("state"))

    try:
        until(lambda: state() == "online", what=f"{name} is online")
        yield child
    finally:
        child.ask_to_stop()
        until(lambda: not child.alive, what=f"the end of {name}")
        until(lambda: state() == "lost", what=f"{name} is lost")
        colony.hive.request("DELETE", f"nodes/{name}/")


def with_gpus(colony: Colony, *cards: str) -> dict[str, str]:
    """The environment of a machine with such cards, each `MIB` or `MIB/FREE_MIB`."""
    path = f"{DRIVERS}:{colony.env['PYTHONPATH']}"
    # Whoever looks for a driver finds a library of that name; nothing in it is called.
    library = colony.stack.data / "driver" / NVML
    library.parent.mkdir(exist_ok=True)
    if not library.is_symlink():
        library.symlink_to(_ctypes.__file__)
    found = {"LD_LIBRARY_PATH": str(library.parent)}
    return {"PYTHONPATH": path, "CARDS": ",".join(cards), **found}
