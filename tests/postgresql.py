"""A PostgreSQL for one run, from the binaries that are installed here; nothing of it stays.

python -m tests.postgresql pytest tests/jobs      any command, with DATABASE_URL set
"""

import contextlib
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg

from hive_site.kernel.errors import HiveError
from hive_site.stack.processes import Child, Recipe, stop_all
from hive_site.stack.redis_server import free_port

OLDEST = 14
WAY_OUT = (
    f"no PostgreSQL here ({OLDEST} or newer): `apt-get install postgresql`,"
    " or set DATABASE_URL to a server on which databases may be created"
)
ANSWER_SECONDS, STOP_SECONDS = 60.0, 30.0
#: It refuses to run as root.
NOBODY = 65534
AS_NOBODY = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")
#: Names are ordered by a language, as on most servers, and not by their bytes.
COLLATION = ("--locale-provider=icu", "--icu-locale=en-US", "--locale=C.UTF-8")
#: Its data die with the run: nothing need reach the disk.
HURRIED = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


def find_binaries() -> Path:
    """The directory of the newest `initdb` and `postgres`. Raises `HiveError` with the way out."""
    given = shutil.which("initdb")
    places = [Path(given).resolve().parent] if given else []
    places += Path("/usr/lib/postgresql").glob("*/bin")
    fit = [(version, place) for place in places if (version := _version(place)) >= OLDEST]
    if not fit:
        raise HiveError(WAY_OUT)
    return max(fit)[1]


def _version(place: Path) -> int:
    """The major version of what is there; 0 if that does not run."""
    if not (place / "initdb").exists():
        return 0
    try:
        asked = subprocess.run(
            [place / "postgres", "--version"], capture_output=True, text=True, check=False
        )
    except OSError:
        return 0
    found = re.search(r"(\d+)", asked.stdout)
    return int(found.group(1)) if found else 0


class Server:
    """A PostgreSQL on loopback that keeps its data in `folder`."""

    def __init__(self, folder: Path, *options: str) -> None:
        """`options` are settings of the server, like `max_connections=20`."""
        self._binaries, self._folder, self._options = find_binaries(), folder, options
        self._password, self._port = secrets.token_urlsafe(16), free_port()
        self._child: Child | None = None

    @property
    def url(self) -> str:
        """The address of its database, as the user who may do everything."""
        return f"postgres://hive:{self._password}@127.0.0.1:{self._port}/postgres"

    def start(self) -> None:
        """Start it, on the same port as ever; it answers afterwards. Raises `HiveError`."""
        if not (self._folder / "data").exists():
            self._make_data()
        settings = [
            *(f"port={self._port}", "listen_addresses=127.0.0.1", "unix_socket_directories="),
            *("max_connections=200", *HURRIED, *self._options),
        ]
        flags = [part for setting in settings for part in ("-c", setting)]
        recipe = Recipe(
            name="postgresql",
            argv=[*_as_somebody(), f"{self._binaries}/postgres", "-D", str(self._data), *flags],
            env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8"},
            orphan_signal=signal.SIGQUIT,
        )
        self._child = Child(recipe, logs=self._folder / "logs")
        self._wait(self._child)

    def stop(self) -> None:
        """End it at once, whoever is connected."""
        if self._child and self._child.alive:
            os.kill(self._child.pid, signal.SIGINT)
            stop_all([self._child], patience=STOP_SECONDS)

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    def _make_data(self) -> None:
        password = self._folder / "password"
        password.write_text(self._password)
        self._data.mkdir(mode=0o700)
        if _is_root():
            self._folder.chmod(0o711)
            shutil.chown(self._data, NOBODY, NOBODY)
            shutil.chown(password, NOBODY, NOBODY)
        argv = [
            *(*_as_somebody(), f"{self._binaries}/initdb", "--pgdata", str(self._data)),
            *("--username=hive", f"--pwfile={password}", "--auth=scram-sha-256"),
            *("--encoding=UTF8", "--no-sync", *_collation(self._binaries)),
        ]
        made = subprocess.run(argv, capture_output=True, text=True, check=False, cwd="/")
        password.unlink()
        if made.returncode:
            raise HiveError(f"initdb failed: {made.stderr.strip()}")

    def _wait(self, child: Child) -> None:
        give_up_at = time.monotonic() + ANSWER_SECONDS
        while child.alive and time.monotonic() < give_up_at:
            with contextlib.suppress(psycopg.OperationalError):
                psycopg.connect(self.url, connect_timeout=5).close()
                return
            time.sleep(0.05)
        child.kill()
        raise HiveError(f"PostgreSQL does not answer: {child.last_words()}")


def _is_root() -> bool:
    return os.geteuid() == 0


def _as_somebody() -> tuple[str, ...]:
    if not _is_root():
        return ()
    return (*AS_NOBODY, "--pdeathsig=QUIT", "--")


def _collation(binaries: Path) -> tuple[str, ...]:
    # Before 15 a whole server could not have one of ICU's.
    return COLLATION if _version(binaries) >= 15 else ("--locale=C.UTF-8",)


@contextlib.contextmanager
def running(*options: str) -> Iterator[Server]:
    """A server that is gone afterwards, with its data. Raises `HiveError` if there can be none."""
    with tempfile.TemporaryDirectory(prefix="hive-postgresql-") as folder:
        server = Server(Path(folder), *options)
        try:
            server.start()
            yield server
        finally:
            server.stop()


def main(command: list[str]) -> int:
    """Run a command with the address of a server in DATABASE_URL; its exit code."""
    if not command:
        print("usage: python -m tests.postgresql COMMAND…", file=sys.stderr)
        return 2
    # Told to end, it takes the server and its data along.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        with running() as server:
            env = os.environ | {"DATABASE_URL": server.url}
            return subprocess.run(command, env=env, check=False).returncode
    except HiveError as error:
        print(f"PostgreSQL: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
