"""A Hive as it runs across machines: Redis and Nexus with TLS by a private authority, a Foreman,
and machines that join by the line that was printed for them."""

import json
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from redis import Redis

from hive_site.configuration import PROJECT
from hive_site.joined_home import read_home
from hive_site.kernel.redis import AWAY, connect
from hive_site.stack.redis_server import find_server, free_port
from tests.certificates import Authority
from tests.end_to_end.colony import clean_environment, manage, until

HOST, PASSWORD = "127.0.0.1", "shared-by-nobody-far-away"
TASKS = "tests.end_to_end.tasks"
MANAGE = [sys.executable, str(PROJECT / "manage.py")]


def speaks_tls(server: Path) -> bool:
    """Whether this Redis was built with TLS: others do not know the setting."""
    config = "port 0\ntls-port 0\ndir /nowhere-at-all\n"
    said = subprocess.run(
        [server, "-"], input=config, capture_output=True, text=True, timeout=10, check=False
    )
    return "tls-port" not in said.stdout + said.stderr


class Processes:
    """Programs that run beside a test, each with a log; `stop` ends all of them."""

    def __init__(self, logs: Path) -> None:
        logs.mkdir(parents=True, exist_ok=True)
        self._logs = logs
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start(
        self, name: str, argv: list[str], *, env: Mapping[str, str], stdin: str = "", at: Path
    ) -> None:
        with (self._logs / f"{name}.log").open("ab") as log:
            child = subprocess.Popen(
                argv, env=dict(env), stdin=subprocess.PIPE, stdout=log, stderr=log, cwd=at
            )
        assert child.stdin
        child.stdin.write(stdin.encode())
        child.stdin.close()
        self._running[name] = child

    def said(self, name: str) -> str:
        return (self._logs / f"{name}.log").read_text(errors="replace")

    def end(self, name: str, signum: int = signal.SIGTERM) -> None:
        child = self._running.pop(name)
        child.send_signal(signum)
        try:
            child.wait(20)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()

    def stop(self) -> None:
        for name in reversed(list(self._running)):
            self.end(name)


class FarSite:
    """The Hive, and its machines by their names."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.authority = folder, Authority(folder / "tls")
        self.processes = Processes(folder / "logs")
        #: The line that was printed for each machine.
        self.lines: dict[str, str] = {}
        self.certificate, self.key = self.authority.vouch_for("localhost", HOST)
        self.redis_port, self.nexus_port = free_port(), free_port()
        self._server = find_server()
        self.tls = speaks_tls(self._server)
        scheme = "rediss" if self.tls else "redis"
        self.redis_url = f"{scheme}://:{PASSWORD}@{HOST}:{self.redis_port}/0"
        self.nexus = f"https://{HOST}:{self.nexus_port}"
        self.env = clean_environment(
            HIVE_DATA_DIR=str(folder / "nexus"),
            REDIS_URL=self.redis_url,
            HIVE_NEXUS_URL=self.nexus,
            HIVE_CA_FILE=str(self.authority.ca_file),
            HIVE_REDIS_ACL="require",
            HIVE_TASK_MODULES=TASKS,
            PYTHONPATH=str(PROJECT),
        )
        self._start()

    def restart_redis(self) -> None:
        """Another Redis with an empty memory in the place of this one."""
        self.processes.end("redis", signal.SIGKILL)
        self._start_redis()

    def _start_redis(self) -> None:
        argv, config = [str(self._server), "-"], self._redis_config()
        self.processes.start("redis", argv, env={}, stdin=config, at=self.folder)
        until(self._redis_answers, what="an answer of Redis")

    def _start(self) -> None:
        self._start_redis()
        assert self.manage("migrate", "-v", "0").returncode == 0
        uvicorn = ["-m", "uvicorn", "hive_site.asgi:application", "--app-dir", str(PROJECT)]
        address = ["--host", HOST, "--port", str(self.nexus_port), "--log-level", "warning"]
        quick = ["--timeout-graceful-shutdown", "1"]
        tls = ["--ssl-certfile", str(self.certificate), "--ssl-keyfile", str(self.key)]
        self.processes.start(
            "nexus",
            [sys.executable, *uvicorn, *address, *quick, *tls],
            env=self.env,
            at=self.folder,
        )
        self.processes.start("foreman", [*MANAGE, "foreman"], env=self.env, at=self.folder)

    def _redis_config(self) -> str:
        port = [f"port {self.redis_port}"]
        if self.tls:
            files = {"cert": self.certificate, "key": self.key, "ca-cert": self.authority.ca_file}
            port = ["port 0", f"tls-port {self.redis_port}", "tls-auth-clients no"]
            port += [f"tls-{name}-file {path}" for name, path in files.items()]
        plain = ["bind 127.0.0.1", f"requirepass {PASSWORD}", 'save ""', f"dir {self.folder}"]
        return "\n".join([*plain, *port, ""])

    def _redis_answers(self) -> bool:
        try:
            return bool(self.open_redis().ping())
        except AWAY:
            return False

    def open_redis(self, url: str = "") -> Redis:
        """A client; as the operator, if nobody else is named."""
        url = url or self.redis_url
        trust = f"?ssl_ca_certs={self.authority.ca_file}" if self.tls else ""
        return connect(f"{url}{trust}")

    def manage(self, *argv: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """A command beside the Nexus."""
        return manage(*argv, env=self.env, stdin=stdin)

    def ask(self, *argv: str, stdin: str = "") -> Any:
        """What such a command prints as JSON."""
        ran = self.manage(*argv, "--json", stdin=stdin)
        assert ran.stdout, ran.stderr
        return json.loads(ran.stdout)

    def nodes(self) -> dict[str, dict[str, Any]]:
        return {node["name"]: node for node in self.ask("hive", "status")["nodes"]}

    def invite(self, *options: str) -> str:
        """The line for another machine."""
        ran = self.manage("hive", "invite", *options)
        assert ran.returncode == 0, ran.stderr
        return ran.stdout.strip()

    def run_there(self, line: str, *more: str, at: Path) -> subprocess.CompletedProcess[str]:
        """Run a printed line in a directory of another machine, which knows nothing else."""
        python, script, *words = shlex.split(line)
        assert (python, script) == ("python", "manage.py")
        at.mkdir(exist_ok=True)
        return subprocess.run(
            [*MANAGE, *words, *more],
            env=self.bare(),
            cwd=at,
            timeout=60,
            capture_output=True,
            text=True,
            check=False,
        )

    @staticmethod
    def bare() -> dict[str, str]:
        """The environment of a machine that knows nothing of the Hive but its project's tasks."""
        return clean_environment(HIVE_TASK_MODULES=TASKS, PYTHONPATH=str(PROJECT))

    def start_spore(self, name: str, home: Path) -> None:
        """Start a machine that joined, as it was told."""
        argv = [*MANAGE, "rqworker", "--home", str(home)]
        self.processes.start(name, argv, env=self.bare(), at=home.parent)

    def join_and_start(self, name: str, line: str, *, at: Path) -> None:
        """Run a printed line so that it goes on as the machine."""
        at.mkdir(exist_ok=True)
        argv = [*MANAGE, *shlex.split(line)[2:], "--start"]
        self.processes.start(name, argv, env=self.bare(), at=at)

    def credentials(self, home: Path) -> dict[str, str]:
        """What a machine was given."""
        return read_home(home)

    def stop(self) -> None:
        self.processes.stop()


def mode_of(path: Path) -> int:
    return os.stat(path).st_mode & 0o777
