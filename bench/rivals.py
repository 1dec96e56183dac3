"""A peer's side of the race: its workers, and a program of its environment that uses it."""

import contextlib
import json
import select
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from redis import Redis

from bench.contenders import USUAL, Incomplete, Setting, require_results
from bench.families import end, family, spent
from bench.peers.place import FOLDER, URL
from bench.peers.roster import Peer
from bench.timing import PATIENCE_SECONDS, Trip
from hive_site.kernel.errors import HiveError
from hive_site.stack.nursery import Nursery
from hive_site.stack.processes import Recipe

READY_SECONDS = 60.0
WARM_UP_ITEMS = 50


@dataclass(frozen=True)
class Lodging:
    """Where a peer lives."""

    #: The programs of its environment.
    programs: Path
    #: A directory of the run.
    folder: Path
    #: The server's address with the peer's own database.
    redis_url: str = field(repr=False)
    base: Mapping[str, str] = field(repr=False)

    def env(self) -> dict[str, str]:
        """The environment of its processes."""
        own = {URL: self.redis_url, "RQ_REDIS_URL": self.redis_url, FOLDER: str(self.folder)}
        return {**self.base, **own}

    def recipes(self, peer: Peer) -> list[Recipe]:
        """Its workers, and whatever else it needs."""
        return [
            Recipe(
                name=f"{peer.name}-{number}",
                argv=[
                    str(self.programs / program),
                    *(word.replace(f"{{{FOLDER}}}", str(self.folder)) for word in words),
                ],
                env=self.env(),
            )
            for number, (program, *words) in enumerate(peer.commands, 1)
        ]


class Driver:
    """The program that uses a peer: `bench.peers.drive` in its environment."""

    def __init__(self, peer: Peer, lodging: Lodging) -> None:
        argv = [str(lodging.programs / "python"), "-m", "bench.peers.drive", peer.module]
        self._title, self.log = peer.title, lodging.folder / "client.log"
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                argv,
                env=lodging.env(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
            )
        self.pid = self._process.pid

    def ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """The answer. Raises `Incomplete` if the peer failed, or does not answer any more."""
        asked, told = self._process.stdin, self._process.stdout
        assert asked
        assert told
        with contextlib.suppress(BrokenPipeError):
            asked.write(json.dumps(request).encode() + b"\n")
            asked.flush()
        if not select.select([told], [], [], PATIENCE_SECONDS)[0]:
            raise Incomplete(f"{self._title} did not answer in {PATIENCE_SECONDS} s")
        line = told.readline()
        if not line:
            words = self.log.read_text(errors="replace").strip().splitlines() or ["nothing"]
            raise Incomplete(f"the client of {self._title} ended; it said: {words[-1]}")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise Incomplete(f"{self._title}: {answer['error']}")
        return answer

    def stop(self) -> None:
        """It ends with its standard input; if not, it is ended."""
        assert self._process.stdin
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        assert self._process.stdout
        self._process.stdout.close()


class Rival:
    """One peer."""

    def __init__(self, peer: Peer, lodging: Lodging, nursery: Nursery) -> None:
        self.name, self.title, self._peer = peer.name, peer.title, peer
        self._lodging, self._nursery = lodging, nursery
        self._driver: Driver | None = None
        self.workers: list[int] = []

    @contextmanager
    def turn(self, setting: Setting = USUAL) -> Iterator[None]:
        """See `Contender.turn`."""
        # What an earlier turn left there is about processes that are gone.
        shutil.rmtree(self._lodging.folder, ignore_errors=True)
        self._lodging.folder.mkdir(parents=True)
        recipes = self._lodging.recipes(self._peer)
        try:
            self.workers = [self._nursery.start(recipe).pid for recipe in recipes]
            self._driver = Driver(self._peer, self._lodging)
            self._await_workers()
            self.run_all("noop", [1] * WARM_UP_ITEMS)
            yield
        finally:
            if self._driver:
                self._driver.stop()
            everybody = family(self.workers)
            self._nursery.stop([recipe.name for recipe in recipes], patience=5.0)
            # Some leave their children behind when they are stopped while they start.
            end(everybody)
            self._driver, self.workers = None, []
            self._forget()

    def takes(self, workload: str) -> bool:
        """Whether it is there for that workload."""
        return not self._peer.only or workload in self._peer.only

    def run_all(self, work: str, items: Sequence[Any]) -> float:
        """See `Contender.run_all`; its client holds the watch."""
        answer = self._ask({"run": work, "items": items})
        require_results(self.title, work, items, answer["results"])
        return float(answer["seconds"])

    def run_trips(self, work: str, items: Sequence[Any]) -> list[Trip]:
        """See `Contender.run_trips`; its client holds the watch."""
        trips = [Trip(*row) for row in self._ask({"trips": work, "items": items})["trips"]]
        require_results(self.title, work, items, [trip.result for trip in trips])
        return trips

    def cpu_seconds(self) -> float:
        """See `Contender.cpu_seconds`."""
        others = [self._nursery.pid("redis"), self._driver and self._driver.pid]
        return spent([*self.workers, *(pid for pid in others if pid)])

    def _ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        if not self._driver:
            raise Incomplete(f"it is not the turn of {self.title}")
        return self._driver.ask(request)

    def _await_workers(self) -> None:
        """Return once each of the workers has run something."""
        give_up_at, seen = time.monotonic() + READY_SECONDS, set[int]()
        while len(seen) < USUAL.slots:
            answer = self._ask({"run": "who", "items": [1] * USUAL.slots})
            seen |= {parent if self._peer.forks else own for own, parent in answer["results"]}
            self._nursery.require_all_alive()
            if time.monotonic() > give_up_at:
                raise HiveError(f"not all workers of {self.title} came in {READY_SECONDS:.0f} s")

    def _forget(self) -> None:
        """Leave nothing in Redis that would be in the way of the next."""
        with Redis.from_url(self._lodging.redis_url) as client:
            client.flushdb()
