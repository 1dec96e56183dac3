"""A Hive of real processes, each of which can be killed, frozen, cut off and started again."""

import contextlib
import json
import os
import shutil
import signal
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import psutil
from redis import Redis

from hive_site.kernel.redis import connect
from hive_site.stack.processes import Child, Recipe
from hive_site.stack.readiness import RollCall, site_answers
from hive_site.stack.recipes import Recipes, Surroundings
from hive_site.stack.redis_server import RedisServer, free_port
from nodes import wire
from nodes.domain.trust import ROUND_SECONDS
from tests.chaos.diary import Diary
from tests.chaos.proxy import Proxy
from tests.chaos.waiting import until
from tests.chaos.watched import Watched

#: Variables that would lead the processes to somebody's Redis, database or keys.
FOREIGN = ("HIVE_", "REDIS_", "DATABASE_URL", "SECRET_KEY", "DJANGO_SETTINGS_MODULE", "RQ_")
#: For whatever ought to happen soon: long, so that a busy machine does not fail a test.
SOON = 60.0


class Cluster:
    """Redis and whatever the test starts. `redis` is a client that no proxy can disturb."""

    def __init__(
        self,
        folder: Path,
        *,
        database_url: str,
        env: Mapping[str, str],
        server: Watched | None = None,
    ) -> None:
        self.folder, self.database_url = folder, database_url
        self.diary = Diary(folder / "diary")
        self._redis_port, self._nexus_port = free_port(), free_port()
        self._server = server or RedisServer(folder, pick_port=lambda: self._redis_port)
        self._children: dict[str, Child] = {}
        self._proxies: list[Proxy] = []
        kept = {name: text for name, text in env.items() if not name.startswith(FOREIGN)}
        self._env = {
            **kept,
            "DATABASE_URL": database_url,
            "HIVE_TASK_MODULES": "tests.chaos.tasks",
            "CHAOS_DIARY": str(self.diary.path),
        }
        self.start_redis()
        self.url = self._server.url
        self.redis: Redis = connect(self.url, name="chaos", patient=True)
        self._roll = RollCall.begin(self.redis)

    # Starting

    def start_redis(self, *, empty: bool = False) -> None:
        """Start Redis, on the same port as ever; `empty`: it has forgotten everything."""
        if empty:
            shutil.rmtree(self.folder / "redis")
        self._children["redis"] = self._server.start(stop=Event())

    def foreman(self, name: str = "foreman", *, through: Proxy | None = None, **env: str) -> Child:
        """Start a Foreman with these variables, behind a proxy if one is given."""
        recipe = Recipes().foreman(self._place(through))
        return self._start(replace(recipe, name=name), env)

    def spore(
        self, name: str, *, slots: int = 1, through: Proxy | None = None, **env: str
    ) -> Child:
        """Start a Spore; without a launcher if its agent is to die for good."""
        recipe = Recipes().spore(self._place(through), name, slots=slots)
        if env.get("HIVE_CRASH_AT", "").startswith("agent."):
            recipe = replace(recipe, argv=recipe.argv[: recipe.argv.index("--home")])
        return self._start(recipe, env)

    def nexus(self, *, through: Proxy | None = None, **env: str) -> str:
        """Start a Nexus; its address, once it answers."""
        place = self._place(through)
        self._start(Recipes().nexus(place), env)
        until(lambda: site_answers(place.nexus_url), within=SOON, what="the Nexus answers")
        return place.nexus_url

    def run(self, recipe: Recipe) -> Child:
        """Start any other process, which ends with the cluster."""
        self._children[recipe.name] = Child(recipe, logs=self.folder / "logs")
        return self._children[recipe.name]

    def again(self, name: str) -> Child:
        """Start a process again after its end, without any order to crash."""
        child = self._children[name]
        until(lambda: not child.alive, within=SOON, what=f"{name} has ended")
        env = {k: v for k, v in child.recipe.env.items() if k != "HIVE_CRASH_AT"}
        return self._start(replace(child.recipe, env=env), {})

    def await_nodes(self, *names: str) -> None:
        """Wait until the Foreman has heard these Spores."""
        until(lambda: set(names) <= self._roll.present(), within=SOON, what=f"{names} are online")

    def picture(self) -> dict[str, Any]:
        """What the Foreman drew last; empty if it drew nothing yet."""
        return json.loads(self.redis.get(wire.SNAPSHOT) or "{}")

    def await_trust(self) -> None:
        """Wait until a new leader believes its eyes: it passes no verdict for its first round."""
        looks = ROUND_SECONDS + 2
        until(lambda: self.picture().get("number", 0) > looks, within=SOON, what="it looks around")

    def await_no_pops(self, name: str) -> None:
        """Wait until Redis gives nothing more to a frozen Spore that was about to pop."""
        until(
            lambda: (
                not any(
                    # RQ gives the connection on which a slot pops the name of its worker.
                    client["name"].startswith(f"{name}.") and "b" in client["flags"]
                    for client in self.redis.client_list()
                )
            ),
            within=SOON,
            what=f"{name} waits for nothing",
        )

    def proxy(self) -> Proxy:
        """A new way to Redis, which can be disturbed."""
        self._proxies.append(Proxy(self._redis_port))
        return self._proxies[-1]

    # Ending

    def child(self, name: str) -> Child:
        """The process of that name."""
        return self._children[name]

    def pid(self, name: str) -> int:
        """The number of its process, which leads its group."""
        return self._children[name].pid

    def kill(self, name: str) -> None:
        """SIGKILL to a process and all that it started, as when a machine loses its power."""
        self._children[name].kill()

    def kill_alone(self, name: str) -> None:
        """SIGKILL to one process only."""
        os.kill(self.pid(name), signal.SIGKILL)

    def freeze(self, name: str) -> None:
        """SIGSTOP to a process and all that it started."""
        self._signal_all(name, signal.SIGSTOP)

    def thaw(self, name: str) -> None:
        """SIGCONT to them."""
        self._signal_all(name, signal.SIGCONT)

    def _signal_all(self, name: str, signum: int) -> None:
        parent = psutil.Process(self.pid(name))
        for process in [parent, *parent.children(recursive=True)]:
            process.send_signal(signum)

    def thaw_slots(self, name: str) -> None:
        """SIGCONT to a Spore's slots, but not to its agent and launcher."""
        for process in self._agent(name).children(recursive=True):
            process.send_signal(signal.SIGCONT)

    def slots(self, name: str) -> list[int]:
        """The processes of a Spore's slots."""
        return [child.pid for child in self._agent(name).children()]

    def _agent(self, name: str) -> psutil.Process:
        """The child of a Spore's launcher."""
        [agent] = psutil.Process(self.pid(name)).children()
        return agent

    def close(self) -> None:
        """End everything at once, however it was left."""
        self.redis.close()
        for proxy in self._proxies:
            proxy.close()
        for child in self._children.values():
            child.kill()
        for process in self.processes():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()

    def processes(self) -> list[psutil.Process]:
        """Every living process that works in this cluster's folder, whoever started it."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if str(self.folder) in " ".join(process.cmdline()):
                    found.append(process)
        return found

    def logs(self) -> dict[str, str]:
        """The end of every process's log."""
        files = sorted((self.folder / "logs").glob("*.log"))
        return {path.stem: path.read_text(errors="replace")[-6000:] for path in files}

    def _start(self, recipe: Recipe, env: Mapping[str, str]) -> Child:
        return self.run(replace(recipe, env={**recipe.env, **env}))

    def _place(self, through: Proxy | None) -> Surroundings:
        url = self.url
        if through:
            url = url.replace(f":{self._redis_port}/", f":{through.port}/")
        return Surroundings(self.folder, "127.0.0.1", self._nexus_port, url, self._env)
