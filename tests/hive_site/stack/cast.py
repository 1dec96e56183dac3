"""A stack whose parts are stand-ins; everything else about it is real."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

import psutil

from hive_site.stack.processes import Recipe
from hive_site.stack.recipes import Recipes, Surroundings
from hive_site.stack.redis_server import free_port
from hive_site.stack.stack import Stack

STAND_IN = str(Path(__file__).with_name("stand_in.py"))
#: For whatever ought to happen at once: long, so that a slow machine does not fail a test.
PATIENCE = 20


def play(name: str, *argv: str, env: dict[str, str] | None = None) -> Recipe:
    return Recipe(name=name, argv=[sys.executable, STAND_IN, *argv], env=env or dict(os.environ))


@dataclass(frozen=True)
class Cast(Recipes):
    """Command lines of stand-ins; `sick` is the part that dies at its start."""

    sick: str = ""

    def _play(self, place: Surroundings, name: str, *argv: str) -> Recipe:
        return play(name, *(("broken",) if self.sick == name else argv), env=place.nexus_env())

    def prepare(self, place: Surroundings) -> Recipe:
        return self._play(place, "prepare", "prepare")

    def nexus(self, place: Surroundings) -> Recipe:
        return self._play(place, "nexus", "nexus", str(place.port))

    def foreman(self, place: Surroundings) -> Recipe:
        return self._play(place, "foreman", "foreman")

    def spore(self, place: Surroundings, name: str, *, slots: int) -> Recipe:
        return self._play(place, name, "spore", name)


def stage(
    data: Path,
    *,
    sick: str = "",
    port: int | None = None,
    spores: int = 2,
    ready_files: tuple[Path, ...] = (),
) -> Stack:
    given = {"REDIS_URL", "REDIS_HOST", "DATABASE_URL", "ALLOWED_HOSTS"}
    env = {name: value for name, value in os.environ.items() if name not in given}
    return Stack(
        data=data,
        port=free_port() if port is None else port,
        spores=spores,
        env={**env, "DIARY": str(data / "diary")},
        recipes=Cast(sick=sick),
        ready_files=ready_files,
    )


def all_pids(ready: dict) -> list[int]:
    pids = ready["pids"]
    return [pids["redis"], pids["nexus"], pids["foreman"], *pids["spores"].values()]


def survivors(pids: list[int], *, patience: float = PATIENCE) -> list[psutil.Process]:
    """Who of them still runs after `patience` seconds; returns as soon as nobody does."""
    there = [psutil.Process(pid) for pid in pids if psutil.pid_exists(pid)]
    return psutil.wait_procs(there, timeout=patience)[1]
