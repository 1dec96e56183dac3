"""A Hive whose Spores have names and labels, one of them lost, full of work."""

import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil

from docs.pictures import tasks
from hive_site.kernel.errors import HiveError
from hive_site.stack.nursery import Nursery
from hive_site.stack.processes import Recipe
from hive_site.stack.recipes import Recipes, Surroundings
from tests.end_to_end.colony import Colony, until
from tests.end_to_end.releases import publish_note

SITES = {"oak": "lab", "ash": "lab", "elm": "lab", "yew": "office", "fir": "office"}
LOST = "elm"
SLOTS = 2
RELEASE = "1.1.0"
#: Long enough for a slow machine to have something to show.
PATIENCE = 240.0
Say = Callable[[str], None]


class Garden:
    """The Hive, from `plant` to `clear`; `ids` are of what there is to see, by what it shows."""

    def __init__(self, data: Path) -> None:
        self.colony = Colony(data, spores=0, HIVE_TASK_MODULES=tasks.__name__)
        self._trees = Nursery(logs=self.colony.stack.logs)
        self.ids: dict[str, str] = {}

    def plant(self) -> None:
        """Start the Spores."""
        for name, site in SITES.items():
            self._trees.start(self._recipe(name, site))
        self._await(lambda: self._states() == ["online"] * len(SITES), "all Spores")

    def fill(self, say: Say) -> None:
        """Submit the work, and return when there is most to see."""
        say("work that ends")
        hive = self.colony.hive
        texts = [f"{line} of the bees of the {tree}" for line in ("song", "hum") for tree in SITES]
        counted = hive.submit("text.word_count", texts, reduce="text.merge_counts")
        months = ["january", "february", "march", "april", "may", "june"]
        failed = hive.submit("reports.render", months, on_error="fail_fast", queue="high_priority")
        for job in (counted, failed):
            hive.wait(job, timeout=PATIENCE)
        say("work that goes on")
        pages = [f"https://archive.example/{number}" for number in range(240)]
        paused = hive.submit("pages.fetch", pages, priority=2)
        hive.request("POST", f"jobs/{paused['id']}/pause/")
        images = [f"scans/{number:05}.tif" for number in range(4000)]
        running = hive.submit("images.thumbnail", images, kwargs={"size": 256}, priority=3)
        shelves = ["greenhouse", "cellar"]
        readings = {"readings": 600}
        stream = hive.submit("sensors.follow", shelves, kwargs=readings, queue="high_priority")
        samples = [f"sample-{number}" for number in range(1, 4)]
        long = hive.submit(
            "genomes.align",
            samples,
            kwargs={"seconds": 90},
            requires={"labels": {"site": "lab"}},
            priority=8,
        )
        say("a release for one tree, then for the others")
        rollout = self._roll_out(RELEASE)
        named = {"done": counted, "failed": failed, "paused": paused, "running": running}
        named |= {"stream": stream, "long": long}
        self.ids = {name: job["id"] for name, job in named.items()} | {"rollout": rollout}
        say(f"the end of {LOST}")
        self._await(lambda: self._progress("running")["succeeded"] > 100, "100 thumbnails")
        self._fell(LOST)
        self._await(lambda: "lost" in self._states(), f"{LOST} to be lost")
        self._await(self._is_busy, "a busy moment")

    def clear(self) -> None:
        """End everything; nobody needs what was under way."""
        self._trees.stop(SITES, patience=1.0)
        self.colony.stop()

    def _recipe(self, name: str, site: str) -> Recipe:
        stack = self.colony.stack
        host, _, port = stack.ready["nexus"].removeprefix("http://").partition(":")
        redis = stack.ready["redis_url"]
        place = Surroundings(stack.data, host, int(port), redis, self.colony.env)
        recipe = Recipes().spore(place, name, slots=SLOTS)
        return replace(recipe, argv=[*recipe.argv, "--label", f"site={site}"])

    def _roll_out(self, version: str) -> str:
        """Bring a release to the first node; the others wait for somebody's word."""
        publish_note(self.colony, version, self.colony.stack.data)
        self.colony.manage("ota", "rollout", version, "--strategy", "manual")
        [rollout] = self.colony.hive.request("GET", "ota/rollouts/")["results"]
        return str(rollout["id"])

    def _fell(self, name: str) -> None:
        tree = psutil.Process(self._trees.pid(name))
        for process in [tree, *tree.children(recursive=True)]:
            process.send_signal(signal.SIGKILL)

    def _states(self) -> list[str]:
        return [node["state"] for node in self.colony.nodes().values()]

    def _progress(self, name: str) -> dict[str, int]:
        job = self.colony.hive.request("GET", f"jobs/{self.ids[name]}/")
        progress: dict[str, int] = job["progress"]
        return progress

    def _is_busy(self) -> bool:
        progress = self._progress("running")
        return progress["succeeded"] > 300 and progress["failed"] > 1

    def _await(self, holds: Callable[[], Any], what: str) -> None:
        try:
            until(holds, within=PATIENCE, what=what)
        except AssertionError as fact:
            raise HiveError(str(fact)) from fact
