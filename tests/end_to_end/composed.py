"""The commands of docker-compose.yml as processes of this machine, where there is no Docker.

What a container would have is put in its place: files for secrets and volumes, loopback for
networks. Words, variables and health checks are those of the file.
"""

import os
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from hive_site.configuration import PROJECT
from hive_site.stack.redis_server import find_server, free_port
from tests.deploy.places import COMPOSE, DEPLOY, SERVICES, interpolate


class Composed:
    """Some services, each with a name of its own that begins with that of its service."""

    def __init__(self, place: Path) -> None:
        self.place, self.secrets = place, place / "secrets"
        self.redis_port, self.nexus_port = free_port(), free_port()
        script = [sys.executable, str(DEPLOY / "make_secrets.py"), "--out", str(self.secrets)]
        subprocess.run(script, check=True, stdout=subprocess.DEVNULL)
        (self.secrets / "database_url").write_text(f"sqlite:///{place}/hive.sqlite3")
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, *more: str) -> None:
        """Start a service; what it says goes into a log beside its files."""
        with self._log(name).open("wb") as log:
            self.running[name] = subprocess.Popen(
                [*self._command(name), *more],
                env=self.env(name),
                cwd=PROJECT,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def run(self, name: str, *argv: str, stdin: str = "") -> "subprocess.CompletedProcess[str]":
        """Run a command to its end: that of the service, or another one in its container."""
        return subprocess.run(
            argv or self._command(name),
            env=self.env(name),
            cwd=PROJECT,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def ask_health(self, name: str, *more: str) -> "subprocess.CompletedProcess[str]":
        """What the health check of a service says."""
        kind, *words = _service(name)["healthcheck"]["test"]
        words = [self._place(name, interpolate(word)) for word in words]
        argv = ["sh", "-c", *words] if kind == "CMD-SHELL" else _with_python(words)
        if "nexus" in words:
            more = (*more, "--port", str(self.nexus_port))
        return self.run(name, *argv, *more)

    def is_healthy(self, name: str) -> bool:
        """Whether its health check succeeds. Fails if the service has ended."""
        assert self.running[name].poll() is None, self._log(name).read_text()
        return self.ask_health(name).returncode == 0

    def stop(self, name: str) -> tuple[int, float]:
        """Ask a service to stop as compose does; its exit code, and how many seconds it took."""
        process, grace = self.running.pop(name), _service(name).get("stop_grace_period", "10s")
        begun = time.monotonic()
        process.send_signal(signal.Signals[_service(name).get("stop_signal", "SIGTERM")])
        try:
            return process.wait(float(grace.removesuffix("s"))), time.monotonic() - begun
        finally:
            _end(process)

    def end(self) -> None:
        """Leave nothing behind."""
        for process in self.running.values():
            _end(process)

    def env(self, name: str) -> dict[str, str]:
        """The variables of a service, and those of the image."""
        home = self.place / name
        home.mkdir(exist_ok=True)
        said = _service(name).get("environment", {})
        ours = {key: self._place(name, interpolate(str(value))) for key, value in said.items()}
        path = os.pathsep.join(
            [str(Path(sys.executable).parent), str(find_server().parent), os.environ["PATH"]]
        )
        return {
            "PATH": path,
            "HIVE_DATA_DIR": str(self.place / ("hive" if "database_url" in str(said) else name)),
            "HIVE_PULSE": str(home / "pulse"),
            "REDIS_PORT": str(self.redis_port),
            **ours,
        }

    def _command(self, name: str) -> list[str]:
        words = _service(name).get("command") or _image_command()
        placed = [self._place(name, interpolate(word)) for word in words]
        return _with_python(placed)

    def _place(self, name: str, text: str) -> str:
        """The text with what this machine has in place of what a container has."""
        files = {each: self.place / about["file"][7:] for each, about in COMPOSE["secrets"].items()}
        text = re.sub(r"/run/secrets/(\w+)", lambda found: str(files[found[1]]), text)
        data = f"dir {self.place / name}\nport {self.redis_port}\nbind 127.0.0.1"
        for theirs, ours in (
            ("dir /data", data),
            ("redis-cli ", f"redis-cli -p {self.redis_port} "),
            ("/var/lib/hive", str(self.place / name)),
            ("//nexus:8000", f"//127.0.0.1:{self.nexus_port}"),
            ("//localhost:8000", f"//localhost:{self.nexus_port}"),
        ):
            text = text.replace(theirs, ours)
        named = {"redis": "127.0.0.1", "0.0.0.0": "127.0.0.1", "8000": str(self.nexus_port)}
        return named.get(text, text)

    def _log(self, name: str) -> Path:
        return self.place / f"{name}.log"


def _service(name: str) -> dict:
    return SERVICES[re.match(r"[a-z]+", name)[0]]


def _image_command() -> list[str]:
    text = (DEPLOY / "Dockerfile").read_text()
    return re.findall(r'"([^"]+)"', text[text.rindex("CMD [") :])


def _with_python(words: list[str]) -> list[str]:
    return [sys.executable if word == "python" else word for word in words]


def _end(process: "subprocess.Popen[bytes]") -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
