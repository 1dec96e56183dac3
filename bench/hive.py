"""The Hive's side of the race: its processes, and this process as the program that uses it."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from redis import Redis

from bench.contenders import USUAL, Incomplete, Setting, require_results
from bench.families import spent
from bench.tasks import PREFIX
from bench.timing import PATIENCE_SECONDS, Trip, time_map, time_trips
from hive_site.kernel.errors import HiveError
from hive_site.stack.nursery import Nursery
from hive_site.stack.processes import Recipe
from hive_site.stack.readiness import RollCall
from hive_site.stack.recipes import Recipes, Surroundings

READY_SECONDS = 60.0
LOOK_EVERY_SECONDS = 0.05
WARM_UP_ITEMS = 50


class Client:
    """A program that uses the Hive. Django must be set up."""

    def map(self, work: str, items: Sequence[Any]) -> list[Any]:
        """See `bench.timing.Client`."""
        from jobs import hive

        outcome = hive.map_reduce(PREFIX + work, items, wait_timeout=PATIENCE_SECONDS)
        if outcome.summary["completed"] != len(items):
            raise Incomplete(f"{work} on the Hive: {outcome.summary}")
        return [result["result"] for result in outcome.results]

    def submit(self, work: str, item: Any) -> Callable[[], Any]:
        """See `bench.timing.Client`."""
        from jobs import hive
        from jobs.waiting import wait_for_jobs

        job = hive.submit(PREFIX + work, [item]).pk

        def result() -> Any:
            wait_for_jobs([job], timeout=PATIENCE_SECONDS)
            status = hive.get_task_status(job)
            if status["state"] != "succeeded":
                raise Incomplete(f"{work} on the Hive is {status['state']}")
            return status["result"]

        return result


class Hive:
    """This project."""

    name, title = "hive", "THE HIVE"

    def __init__(self, place: Surroundings, nursery: Nursery, redis: Redis) -> None:
        self._place, self._nursery, self._redis = place, nursery, redis
        self._client = Client()
        self.workers: list[int] = []

    @contextmanager
    def turn(self, setting: Setting = USUAL) -> Iterator[None]:
        """See `Contender.turn`. Without Spores, nothing is started."""
        names = [f"spore-{n}" for n in range(1, setting.spores + 1)]
        try:
            if names:
                self._start(names, setting)
            yield
        finally:
            self._nursery.stop(names, patience=5.0)
            self._nursery.stop(["foreman"], patience=5.0)
            self.workers = []

    def takes(self, workload: str) -> bool:
        """It takes everything."""
        return True

    def run_all(self, work: str, items: Sequence[Any]) -> float:
        """See `Contender.run_all`."""
        seconds, results = time_map(self._client, work, items)
        require_results(self.title, work, items, results)
        return seconds

    def run_trips(self, work: str, items: Sequence[Any]) -> list[Trip]:
        """See `Contender.run_trips`."""
        trips = time_trips(self._client, work, items)
        require_results(self.title, work, items, [trip.result for trip in trips])
        return trips

    def cpu_seconds(self) -> float:
        """See `Contender.cpu_seconds`."""
        return sum(self.cpu_by_process().values())

    def cpu_by_process(self) -> dict[str, float]:
        """CPU seconds that each kind of process has used. This process is the client."""
        others = {name: self._nursery.pid(name) for name in ("foreman", "redis")}
        return {
            "client": time.process_time(),
            **{name: spent([pid]) for name, pid in others.items() if pid},
            "spores": spent(self.workers),
        }

    def _start(self, names: list[str], setting: Setting) -> None:
        roll, recipes = RollCall.begin(self._redis), Recipes()
        self._nursery.start(tuned(recipes.foreman(self._place), setting))
        for name in names:
            self._nursery.start(recipes.spore(self._place, name, slots=setting.slots_each))
        self.workers = [self._nursery.pid(name) or 0 for name in names]
        give_up_at = time.monotonic() + READY_SECONDS
        while missing := set(names) - roll.present():
            self._nursery.require_all_alive()
            if time.monotonic() > give_up_at:
                raise HiveError(f"{', '.join(sorted(missing))} did not come in {READY_SECONDS} s")
            time.sleep(LOOK_EVERY_SECONDS)
        self.run_all("noop", [1] * WARM_UP_ITEMS)


def tuned(foreman: Recipe, setting: Setting) -> Recipe:
    """The Foreman as this setting wants it."""
    if setting.bundle_seconds is None:
        return foreman
    return replace(foreman, env={**foreman.env, "HIVE_BUNDLE_SECONDS": f"{setting.bundle_seconds}"})
