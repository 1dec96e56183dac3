"""The whole Hive as child processes of one parent, for `hive up` and `hive demo`.

The parent opens no database: what needs one runs as a child with the environment of the Nexus.
"""

import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from threading import Event
from types import TracebackType
from typing import Any

from hive_site.kernel.env import Env
from hive_site.kernel.errors import HiveError
from hive_site.kernel.redis import AWAY, connect, safe_url
from hive_site.pool_homes import POOLS, end_pools
from hive_site.redis_address import read_redis_url
from hive_site.stack.files import DataLock, write_private
from hive_site.stack.nursery import Death, Nursery, rest_before
from hive_site.stack.processes import Interrupted, run_to_end
from hive_site.stack.readiness import RollCall, require_free_port, site_answers
from hive_site.stack.recipes import Recipes, Surroundings
from hive_site.stack.redis_server import RedisServer, free_port

PREPARE_SECONDS = 300.0
READY_SECONDS = 120.0
LOOK_EVERY_SECONDS = 0.05
#: A Spore lets running tasks end for 10 s, then kills its slots and hands back the rest.
SPORE_PATIENCE, PATIENCE = 15.0, 8.0
OnStep = Callable[[str], None]


def in_silence(step: str) -> None:
    """Tell nobody."""


class Stack:
    """Redis, Nexus, Foreman and Spores on this machine, from `start` to `stop`.

    `ready` is what CONTRACT §2 writes into the ready file; all `ready_files` hold it from when
    everything runs until the stop. As a context manager it starts and stops itself. Set
    `interrupt` (from a signal) to end a start early, `hurry` to end a stop.
    """

    def __init__(
        self,
        *,
        data: Path,
        host: str = "127.0.0.1",
        port: int = 8000,
        spores: int = 3,
        slots: int = 1,
        env: Mapping[str, str] | None = None,
        recipes: Recipes | None = None,
        ready_files: Sequence[Path] = (),
        rest: Callable[[int], float] = rest_before,
    ) -> None:
        self.data = data.expanduser().absolute()
        self._host, self._port, self._slots = host, port, slots
        self._names = [f"spore-{number}" for number in range(1, spores + 1)]
        self._env = dict(os.environ if env is None else env)
        self._recipes = recipes or Recipes()
        self._ready_files = list(ready_files)
        self._lock = DataLock(self.data)
        self._redis: RedisServer | None = None
        self._first: dict[str, str] = {}
        self._nursery = Nursery(logs=self.data / "logs", rest=rest)
        self._place = Surroundings(self.data, host, port, base=self._env)
        self.interrupt, self.hurry = Event(), Event()

    def __enter__(self) -> "Stack":
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def logs(self) -> Path:
        """The directory with one log file for each process."""
        return self._nursery.logs

    @property
    def ready(self) -> dict[str, Any]:
        """How to reach everything (CONTRACT §2). `pids` are those of now, restarts included."""
        pid = self._nursery.pid
        return {
            "nexus": self._place.nexus_url,
            "api_key": self._first["api_key"],
            "redis_url": self._place.redis_url,
            "database_url": self._place.database_url,
            "login_url": self._first["login_url"],
            "pids": {
                # None: it is not ours, REDIS_URL named it
                "redis": pid("redis"),
                "nexus": pid("nexus"),
                "foreman": pid("foreman"),
                "spores": {name: pid(name) for name in self._names},
            },
        }

    def start(self, on_step: OnStep = in_silence) -> dict[str, Any]:
        """Start everything; returns `ready` once the site answers and all Spores are online.

        Raises `Invalid` if the port or the directory is taken, `HiveError` if a part does not
        start. Nothing is left running then.
        """
        try:
            self._start(on_step)
        except BaseException:
            self.stop()
            raise
        return self.ready

    def mind(self, *, restart: bool = False) -> tuple[list[Death], list[str]]:
        """Who died since the last call, and who was started again."""
        now = time.monotonic()
        deaths = self._nursery.mourn(now)
        revived = self._nursery.revive(now) if restart else []
        if revived:
            self._leave_ready()
        return deaths, revived

    def stop(self, on_step: OnStep = in_silence) -> None:
        """End everything, work before those who record it; safe to repeat."""
        if self._lock.held:  # otherwise the files are those of whoever holds it
            self._forget_ready()
        for step, names, patience in (
            ("Spores", self._names, SPORE_PATIENCE),
            ("Foreman", ["foreman"], PATIENCE),
            ("Nexus", ["nexus"], PATIENCE),
            ("Redis", ["redis"], PATIENCE),
        ):
            if any(self._nursery.pid(name) for name in names):
                on_step(f"stopping {step}")
                self._nursery.stop(names, patience=patience, hurry=self.hurry)
            if step == "Foreman" and self._lock.held:
                # A Foreman that was killed left those that it had started.
                end_pools(self.data / POOLS)
        if self._redis:
            self._redis.forget()
        self._lock.release()

    def _start(self, on_step: OnStep) -> None:
        self._lock.take()
        self._forget_ready()
        require_free_port(self._host, self._port)
        port = self._port or free_port(self._host)
        self._place = Surroundings(
            self.data, self._host, port, self._find_redis(on_step), self._env
        )
        on_step("preparing the database")
        self._first = self._prepare()
        client = connect(self._place.redis_url, name="hive-stack", patient=True)
        try:
            roll = RollCall.begin(client)
            on_step(f"starting Nexus, Foreman and {len(self._names)} Spores")
            self._launch()
            self._wait(roll, on_step)
        finally:
            client.close()
        self._leave_ready()

    def _leave_ready(self) -> None:
        for path in self._ready_files:
            write_private(path, json.dumps(self.ready) + "\n")

    def _forget_ready(self) -> None:
        for path in self._ready_files:
            path.unlink(missing_ok=True)

    def _find_redis(self, on_step: OnStep) -> str:
        """The address of a Redis that answers: the one named, else one of our own."""
        env = Env(self._env)
        if env.text("REDIS_URL") or env.text("REDIS_HOST"):
            url = read_redis_url(env, self.data)
            on_step(f"using Redis at {safe_url(url)}")
            require_redis(url)
            return url
        on_step("starting Redis")
        self._redis = RedisServer(self.data, inherits=(self._lock.descriptor,))
        self._nursery.adopt(self._redis.start(stop=self.interrupt))
        return self._redis.url

    def _prepare(self) -> dict[str, str]:
        recipe = self._recipes.prepare(self._place)
        printed = run_to_end(recipe, logs=self.logs, timeout=PREPARE_SECONDS, stop=self.interrupt)
        answer: dict[str, str] = json.loads(printed)
        return answer

    def _launch(self) -> None:
        self._nursery.start(self._recipes.nexus(self._place))
        self._nursery.start(self._recipes.foreman(self._place))
        for name in self._names:
            self._nursery.start(self._recipes.spore(self._place, name, slots=self._slots))

    def _wait(self, roll: RollCall, on_step: OnStep) -> None:
        give_up_at = time.monotonic() + READY_SECONDS
        missing, answers = set(self._names), False
        while missing or not answers:
            self._nursery.require_all_alive()
            if time.monotonic() > give_up_at:
                who = ", ".join(sorted(missing)) or "the Nexus"
                raise HiveError(
                    f"{who} did not come up in {READY_SECONDS:.0f} s; the logs are in {self.logs}"
                )
            if self.interrupt.wait(LOOK_EVERY_SECONDS):
                raise Interrupted("stopped before everything ran")
            answers = answers or site_answers(self._place.nexus_url)
            missing = set(self._names) - roll.present()
        on_step("everything runs")


def require_redis(url: str) -> None:
    """Nothing if a Redis answers at `url`. Raises `HiveError` with the way out."""
    client = connect(url, name="hive-stack")
    try:
        client.ping()
    except AWAY as error:
        raise HiveError(
            f"no Redis at {safe_url(url)}: {error}; start it, or unset REDIS_URL for one of our own"
        ) from error
    finally:
        client.close()
