"""`python -m bench.updates`: how long a change of one task file takes to be on every node, proved.

1. Five real Spores with work to do: a change of one file, requirements unchanged, from the request
   to the last node healthy; then all of it back.
2. A hundred nodes that are played, each with downloads and reports of its own, against
   the real Nexus and Foreman: the same, and what it costs the Nexus.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import psutil

from bench.fleet import Fleet
from bench.world import own_environment
from hive_site.configuration import PROJECT
from hive_site.stack.stack import Stack
from jobs.client import Hive

SPORES, LOAD_SECONDS = 5, 0.02
PARTS = ("hive_site", "jobs", "nodes", "ota", "templates")
FILES = ("manage.py", "pyproject.toml", "requirements.txt", "requirements.lock")
GIVE_UP_SECONDS, LOOK_EVERY_SECONDS = 120.0, 0.25
PLAYED = {"fleet": "played"}
GOALS = {"five_s": 10.0, "back_s": 5.0, "hundred_s": 30.0, "nexus_cpu_s": 5.0}


def copy_project(place: Path) -> Path:
    """The project, to be changed."""
    for name in PARTS:
        shutil.copytree(PROJECT / name, place / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in FILES:
        shutil.copy(PROJECT / name, place / name)
    return place


class Site:
    """A Hive of this run, and releases of a project that changes a little each time."""

    def __init__(self, folder: Path, spores: int) -> None:
        self._folder = folder
        self.env = own_environment({}, database_url="")
        self.stack = Stack(data=folder / "data", port=0, spores=spores, slots=1, env=self.env)
        self.stack.start()
        self.hive = Hive(self.stack.ready["nexus"], self.stack.ready["api_key"])
        self._project = copy_project(folder / "project")
        self._count = 0

    def release(self) -> str:
        """Publish a version with one file changed."""
        self._count += 1
        version = f"1.0.{self._count}"
        task = self._project / "jobs/tasks/demo.py"
        task.write_text(task.read_text() + f"\n# {version}\n")
        package = self._folder / f"{version}.zip"
        source = ("--source", str(self._project), "--out", str(package))
        self._manage("build", "--version", version, *source)
        self._manage("publish", str(package))
        return version

    def roll_out(self, version: str, **wish: Any) -> tuple[dict[str, Any], float]:
        """The rollout at its end, and the seconds that it took."""
        begun = time.perf_counter()
        body = {"release": version, **wish}
        row = self.hive.request("POST", "ota/rollouts/", body)
        ended = self.await_state(row["id"], "succeeded")
        return ended, time.perf_counter() - begun

    def roll_back(self, rollout: str) -> float:
        """Bring everything back; the seconds until it is."""
        begun = time.perf_counter()
        self.hive.request("POST", f"ota/rollouts/{rollout}/rollback/")
        self.await_state(rollout, "rolled_back")
        return time.perf_counter() - begun

    def await_state(self, rollout: str, state: str) -> dict[str, Any]:
        def there() -> dict[str, Any] | None:
            row: dict[str, Any] = self.hive.request("GET", f"ota/rollouts/{rollout}/")
            return row if row["state"] not in ("running", "rolling_back") else None

        row = await_value(there)
        if row["state"] != state:
            raise SystemExit(f"bench: the rollout is {row['state']}: {row['reason']}\n{row}")
        return row

    def _manage(self, *argv: str) -> None:
        env = {**self.env, "HIVE_DATA_DIR": str(self.stack.data)}
        script = [sys.executable, str(PROJECT / "manage.py"), "ota", *argv]
        subprocess.run(script, env=env, check=True, stdout=subprocess.DEVNULL)


def await_value(look: Callable[[], Any]) -> Any:
    """What `look` gives once it gives something."""
    give_up_at = time.monotonic() + GIVE_UP_SECONDS
    while time.monotonic() < give_up_at:
        if found := look():
            return found
        time.sleep(LOOK_EVERY_SECONDS)
    raise SystemExit(f"bench: nothing within {GIVE_UP_SECONDS:.0f} s")


def measure_five(folder: Path, rounds: int) -> dict[str, float]:
    """Seconds until five busy Spores run a change, and until they run what was before."""
    site = Site(folder, SPORES)
    try:
        await_value(lambda: len(site.hive.request("GET", "ota/nodes/")["results"]) == SPORES)
        there, back = [], []
        site.roll_out(site.release())  # the first one compiles what later ones take over
        time.sleep(5)
        for _ in range(rounds):
            load = site.hive.submit("demo.sleep", [LOAD_SECONDS] * 5000)
            ended, seconds = site.roll_out(site.release())
            there.append(seconds)
            back.append(site.roll_back(ended["id"]))
            site.hive.request("POST", f"jobs/{load.id}/cancel/")
        return {"five_s": median(there), "five_worst_s": max(there), "back_s": median(back)}
    finally:
        site.stack.stop()


def measure_hundred(folder: Path, nodes: int) -> dict[str, float]:
    """Seconds until so many played nodes run a change, and CPU seconds of Nexus and Foreman."""
    site = Site(folder, 1)
    pids = site.stack.ready["pids"]
    nexus, foreman = psutil.Process(pids["nexus"]), psutil.Process(pids["foreman"])
    fleet = Fleet(site.stack, nodes)
    try:
        await_value(lambda: len(site.hive.request("GET", "ota/nodes/")["results"]) > nodes)
        site.roll_out(site.release(), selector=PLAYED)  # their first contact is once in a life
        version, requests = site.release(), fleet.requests
        before = spent(nexus), spent(foreman)
        _, seconds = site.roll_out(version, selector=PLAYED)
        after = spent(nexus), spent(foreman)
        return {
            "hundred_s": seconds,
            "nexus_cpu_s": after[0] - before[0],
            "foreman_cpu_s": after[1] - before[1],
            "requests": fleet.requests - requests,
        }
    finally:
        fleet.stop()
        site.stack.stop()


def spent(process: psutil.Process) -> float:
    """CPU seconds that a process has used."""
    times = process.cpu_times()
    return float(times.user + times.system)


def main(argv: list[str]) -> int:
    """0 if every goal is reached."""
    parser = argparse.ArgumentParser(prog="bench.updates", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--nodes", type=int, default=100)
    arguments = parser.parse_args(argv)
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="hive-bench-") as folder:
        for name in ("five", "hundred"):
            (Path(folder) / name / "project").mkdir(parents=True)
        figures |= measure_five(Path(folder) / "five", arguments.rounds)
        figures |= measure_hundred(Path(folder) / "hundred", arguments.nodes)
    rounded = {name: round(value, 2) for name, value in figures.items()}
    print(json.dumps({**rounded, "goals": GOALS}))
    return 0 if all(figures[name] < goal for name, goal in GOALS.items()) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
