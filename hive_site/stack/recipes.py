"""What each process of the stack is started with. None gets a secret that it need not have."""

import os
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from hive_site.configuration import PROJECT, sqlite_url
from hive_site.kernel.env import Env
from hive_site.kernel.envelope import node_key
from hive_site.kernel.secrets import keep_secret
from hive_site.live.domain.protocol import MOST_BYTES
from hive_site.stack.processes import Recipe

MANAGE = str(PROJECT / "manage.py")
ANY_ADDRESS = {"0.0.0.0", "::"}  # noqa: S104  # nosec B104  # only compared with
#: What belongs to the Nexus; a Spore signs with its node key and asks over Redis and HTTP.
NEXUS_ONLY = (
    *("SECRET_KEY", "HIVE_FLEET_KEY", "HIVE_WEBHOOK_SECRET"),
    *("DATABASE_URL", "REDIS_PASSWORD"),
)
GRACE_SECONDS = 3


@dataclass(frozen=True)
class Surroundings:
    """Where a stack lives, and the environment that its processes start from."""

    data: Path
    host: str
    port: int
    redis_url: str = field(default="", repr=False)
    base: Mapping[str, str] = field(default_factory=lambda: dict(os.environ), repr=False)

    @property
    def nexus_url(self) -> str:
        """The address of the Nexus as this machine reaches it."""
        host = "127.0.0.1" if self.host in ANY_ADDRESS else self.host
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    @property
    def database_url(self) -> str:
        """The database of the Nexus."""
        return Env(self.base).text("DATABASE_URL") or sqlite_url(self.data)

    def nexus_env(self) -> dict[str, str]:
        """The environment of the Nexus, the Foreman and every command beside them."""
        given = Env(self.base).text("ALLOWED_HOSTS")
        return {
            **self._shared_env(),
            "HIVE_DATA_DIR": str(self.data),
            "DATABASE_URL": self.database_url,
            "ALLOWED_HOSTS": given or ",".join(own_names(self.host)),
        }

    def spore_env(self, home: Path) -> dict[str, str]:
        """The environment of one Spore: its own key, and nothing of the Nexus's."""
        env = self._shared_env()
        for name in NEXUS_ONLY:
            env.pop(name, None)
            env.pop(f"{name}_FILE", None)
        # `manage.py` chooses the settings without a database, unless tasks use the ORM.
        env.pop("DJANGO_SETTINGS_MODULE", None)
        if env.get("HIVE_SPORE_DATABASE") == "1":
            env["DATABASE_URL"] = self.database_url
        return {
            **env,
            "HIVE_DATA_DIR": str(home),
            "HIVE_NODE_KEY_FILE": str(home / "node.key"),
            # On one machine whoever builds a release may well sign for it.
            "HIVE_OTA_CHANNELS": env.get("HIVE_OTA_CHANNELS") or "dev,stable",
        }

    def _shared_env(self) -> dict[str, str]:
        env = dict(self.base)
        env.pop("REDIS_URL_FILE", None)
        return {
            **env,
            "REDIS_URL": self.redis_url,
            "HIVE_NEXUS_URL": self.nexus_url,
            "PYTHONUNBUFFERED": "1",
        }


def own_names(host: str) -> list[str]:
    """The names under which browsers and Spores may ask for a Nexus that listens on `host`."""
    names = ["127.0.0.1", "localhost", "[::1]"]
    if host in ANY_ADDRESS:
        names += [socket.gethostname(), socket.getfqdn()]
        for addresses in psutil.net_if_addrs().values():
            names += [a.address for a in addresses if a.family == socket.AF_INET]
    else:
        names.append(f"[{host}]" if ":" in host else host)
    return list(dict.fromkeys(names))


@dataclass(frozen=True)
class Recipes:
    """The command lines of the stack. Tests hand in others."""

    def prepare(self, place: Surroundings) -> Recipe:
        """Migrates, and prints what the first user needs as JSON."""
        return _managed("prepare", place.nexus_env(), "hive", "prepare", "--json")

    def nexus(self, place: Surroundings) -> Recipe:
        """The site. One process: pages and sockets share its memory."""
        argv = [
            *(sys.executable, "-m", "uvicorn", "hive_site.asgi:application"),
            *("--app-dir", str(PROJECT), "--host", place.host, "--port", str(place.port)),
            *("--log-level", "warning", "--no-access-log", "--no-server-header"),
            # Nobody holds a connection without asking something, or sends more than is heard.
            *("--http", "hive_site.listener:Listener", "--ws-max-size", str(MOST_BYTES)),
            # Open event streams must not hold up the end.
            *("--timeout-graceful-shutdown", str(GRACE_SECONDS)),
        ]
        return Recipe(name="nexus", argv=argv, env=place.nexus_env())

    def foreman(self, place: Surroundings) -> Recipe:
        """The leader."""
        return _managed("foreman", place.nexus_env(), "foreman")

    def spore(self, place: Surroundings, name: str, *, slots: int) -> Recipe:
        """One Spore with a home and a key of its own, which are made here."""
        home = place.data / "spores" / name
        write_node_key(place, name, home=home)
        argv = ("rqworker", "--name", name, "--slots", str(slots), "--home", str(home))
        return _managed(name, place.spore_env(home), *argv)


def write_node_key(place: Surroundings, name: str, *, home: Path) -> None:
    """Leave the node's key in its home. A changed fleet key changes it."""
    given = Env(place.base).text("HIVE_FLEET_KEY")
    fleet_key = given or keep_secret(place.data / "secrets" / "fleet_key")
    value, path = node_key(fleet_key, name).hex(), home / "node.key"
    if keep_secret(path, value) != value:
        path.unlink()
        keep_secret(path, value)


def _managed(name: str, env: Mapping[str, str], *argv: str) -> Recipe:
    return Recipe(name=name, argv=[sys.executable, MANAGE, *argv], env=env)
