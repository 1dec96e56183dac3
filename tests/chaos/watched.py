"""A Redis with a replica and three Sentinels, each a real server."""

import os
import secrets
import signal
from pathlib import Path
from threading import Event

from redis import Redis
from redis.exceptions import RedisError

from hive_site.kernel.redis import connect
from hive_site.stack.processes import Child, Recipe
from hive_site.stack.redis_server import find_server, free_port, write_config
from tests.chaos.waiting import until

GROUP, SENTINELS, QUORUM = "mymaster", 3, 2
SOON = 30.0
#: How long Sentinels wait for a master: short, so that tests are.
DOWN_AFTER_MS, FAILOVER_MS = 1000, 5000


class Watched:
    """What a cluster takes for its Redis: `url` leads to whoever is master."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._binary = folder, find_server()
        self._password, self._own_password = secrets.token_hex(8), secrets.token_hex(8)
        self._ports = [free_port() for _ in range(2)]
        self._sentinels = [free_port() for _ in range(SENTINELS)]
        self._servers: dict[int, Child] = {}
        self._watchers: list[Child] = []
        hosts = ",".join(f"127.0.0.1:{port}" for port in self._sentinels)
        own = f"sentinel_password={self._own_password}"
        self.url = f"redis+sentinel://:{self._password}@{hosts}/{GROUP}/0?{own}"

    def start(self, *, stop: Event) -> Child:
        """The master, once its replica follows and all Sentinels know each other."""
        for port in self._ports:
            self.revive(port)
        for port in self._sentinels:
            self._watchers.append(self._watch(port))
        until(lambda: self._role(self._ports[1]) == "slave", within=SOON, what="a replica")
        client = connect(self.url, patient=True)
        until(self._is_watched, within=SOON, what="Sentinels that know each other")
        until(client.ping, within=SOON, what="a master that answers")
        client.close()
        return self._servers[self._ports[0]]

    @property
    def master(self) -> int:
        """The port of the server that says it is master; 0 while there is none."""
        return next((port for port in self._ports if self._role(port) == "master"), 0)

    def revive(self, port: int) -> None:
        """Start a server again: as whatever the Sentinels make of it."""
        place = self._folder / str(port)
        place.mkdir(parents=True, exist_ok=True)
        config = place / "redis.conf"
        if not config.exists():
            lines = write_config(port=port, password=self._password, folder=place)
            lines += f"masterauth {self._password}\nrepl-diskless-sync-delay 0\n"
            if port != self._ports[0]:
                lines += f"replicaof 127.0.0.1 {self._ports[0]}\n"
            config.write_text(lines)
        self._servers[port] = self._run(f"redis-{port}", str(config))

    def kill(self, port: int) -> None:
        """SIGKILL to a server."""
        self._servers[port].kill()

    def freeze(self, port: int) -> None:
        """SIGSTOP to a server: it holds its connections, and says nothing."""
        os.kill(self._servers[port].pid, signal.SIGSTOP)

    def thaw(self, port: int) -> None:
        """SIGCONT to it."""
        os.kill(self._servers[port].pid, signal.SIGCONT)

    def is_replica(self, port: int) -> bool:
        """Whether a server follows another."""
        return self._role(port) == "slave"

    def close(self) -> None:
        """End all of it."""
        for child in [*self._watchers, *self._servers.values()]:
            child.kill()

    def _watch(self, port: int) -> Child:
        config = self._folder / f"sentinel-{port}.conf"
        lines = [
            *("bind 127.0.0.1", f"port {port}", f'dir "{self._folder}"', "daemonize no"),
            *(f"requirepass {self._own_password}", f"sentinel sentinel-pass {self._own_password}"),
            f"sentinel monitor {GROUP} 127.0.0.1 {self._ports[0]} {QUORUM}",
            f"sentinel auth-pass {GROUP} {self._password}",
            f"sentinel down-after-milliseconds {GROUP} {DOWN_AFTER_MS}",
            f"sentinel failover-timeout {GROUP} {FAILOVER_MS}",
        ]
        config.write_text("\n".join(lines) + "\n")
        return self._run(f"sentinel-{port}", str(config), "--sentinel")

    def _run(self, name: str, *argv: str) -> Child:
        env = {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C"}
        recipe = Recipe(name=name, argv=[str(self._binary), *argv], env=env)
        return Child(recipe, logs=self._folder / "logs")

    def _reach(self, port: int, password: str) -> Redis:
        return connect(f"redis://:{password}@127.0.0.1:{port}/0", hurried=True)

    def _is_watched(self) -> bool:
        return all(self._others(port) == SENTINELS - 1 for port in self._sentinels)

    def _others(self, port: int) -> int:
        """How many other Sentinels one knows, if it sees the replica as well."""
        try:
            with self._reach(port, self._own_password) as client:
                state = client.sentinel_master(GROUP)
        except (RedisError, OSError):
            return 0
        return int(state["num-other-sentinels"]) if state["num-slaves"] else 0

    def _role(self, port: int) -> str:
        """What a server says of itself; empty if it says nothing."""
        try:
            with self._reach(port, self._password) as client:
                return str(client.info("replication")["role"])
        except (RedisError, OSError):
            return ""
