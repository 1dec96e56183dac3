"""A real Hive on a temporary directory, driven from outside: REST, command line and signals."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import urllib3

from hive_site.configuration import PROJECT
from hive_site.stack.stack import Stack
from jobs.client import Hive
from tests.databases import own_database

#: For whatever ought to happen soon: long, so that a busy machine fails no test.
PATIENCE = 30.0
LOOK_EVERY_SECONDS = 0.02
SPORES, SLOTS = 3, 2
TASKS = "tests.end_to_end.tasks,tests.end_to_end.django_jobs"
#: What this process was started with, or what the settings of tests put there.
FOREIGN = ("HIVE_", "REDIS_", "DATABASE_URL", "SECRET_KEY", "DJANGO_", "ALLOWED_HOSTS")


def clean_environment(**also: str) -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if not k.startswith(FOREIGN)} | also


def until(holds: Callable[[], Any], *, within: float = PATIENCE, what: str) -> Any:
    """What `holds` returns once it is true; fails with `what` was waited for."""
    give_up_at = time.monotonic() + within
    while not (found := holds()):
        if time.monotonic() > give_up_at:
            raise AssertionError(f"not within {within:g} s: {what}")
        time.sleep(LOOK_EVERY_SECONDS)
    return found


def manage(
    *argv: str, env: dict[str, str], stdin: str = "", seconds: float = 120
) -> subprocess.CompletedProcess[str]:
    """What a command of the project's said, and its exit code."""
    script = [sys.executable, str(PROJECT / "manage.py"), *argv]
    return subprocess.run(
        script,
        env=env,
        input=stdin,
        timeout=seconds,
        capture_output=True,
        text=True,
        check=False,
        cwd="/",  # nothing may rest on where a command is run
    )


def is_gone(process: psutil.Process) -> bool:
    """Whether a process ended. One that nobody waits for here stays behind as a zombie."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


class Colony:
    """Spores (three of two slots), a Foreman, a Nexus and a Redis that run until `stop`."""

    def __init__(self, data: Path, *, spores: int = SPORES, slots: int = SLOTS, **env: str) -> None:
        usual = {"HIVE_TASK_MODULES": TASKS, "PYTHONPATH": str(PROJECT)}
        with contextlib.ExitStack() as leave:
            database = leave.enter_context(own_database())
            self.env = clean_environment(**usual | database | env)
            self.stack = Stack(
                data=data,
                port=0,
                spores=spores,
                slots=slots,
                env=self.env,
                # What tests kill one after the other is not ill: it needs no rest.
                rest=lambda restart: 0.5,
            )
            leave.enter_context(self.stack)
            self._leave = leave.pop_all()
        self.hive = Hive(self.stack.ready["nexus"], self.stack.ready["api_key"])

    def stop(self) -> None:
        self._leave.close()

    @property
    def beside(self) -> dict[str, str]:
        """The environment of a command that its operator runs beside the Hive."""
        nexus = self.stack.ready["nexus"]
        return self.env | {"HIVE_DATA_DIR": str(self.stack.data), "HIVE_NEXUS_URL": nexus}

    def manage(self, *argv: str, stdin: str = "", **env: str) -> subprocess.CompletedProcess[str]:
        """Run a command beside the Hive."""
        return manage(*argv, env=self.beside | env, stdin=stdin)

    def pid(self, name: str) -> int:
        """The process of a part: foreman, nexus, redis, or a Spore's name."""
        pids = self.stack.ready["pids"]
        return int({**pids, **pids["spores"]}[name])

    def agent(self, spore: str) -> psutil.Process:
        """The agent of a Spore, child of its launcher."""
        [agent] = psutil.Process(self.pid(spore)).children()
        return agent

    def slots(self, spore: str) -> list[psutil.Process]:
        """The slot processes of a Spore, children of its agent."""
        return self.agent(spore).children()

    def signal(self, name: str, signum: signal.Signals) -> None:
        os.kill(self.pid(name), signum)

    def kill(self, name: str) -> None:
        """SIGKILL, and wait as `hive up` does, so that no zombie stays."""
        self.signal(name, signal.SIGKILL)
        self.await_death(name)

    def await_death(self, name: str) -> None:
        until(lambda: name in [d.name for d in self.stack.mind()[0]], what=f"the end of {name}")

    def nodes(self) -> dict[str, dict[str, Any]]:
        return {node["name"]: node for node in self.hive.request("GET", "nodes/")["results"]}

    @staticmethod
    def moment(seconds: float) -> str:
        """The time so many seconds from now."""
        return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()

    def cluster(self) -> dict[str, Any]:
        answer: dict[str, Any] = self.hive.request("GET", "cluster/")
        return answer

    def subtasks(self, job: str) -> list[dict[str, Any]]:
        return list(self.hive.results(job))

    def tries(self, job: str, index: int = 0) -> list[dict[str, Any]]:
        """The attempts of a subtask that were not a plain first success."""
        tries: list[dict[str, Any]] = self.hive.request("GET", f"jobs/{job}/subtasks/{index}/")[
            "tries"
        ]
        return tries

    def await_running(self, job: str, count: int = 1) -> list[dict[str, Any]]:
        """The rows of a job's subtasks once so many of them are shown as running."""

        def running() -> list[dict[str, Any]] | None:
            rows = [row for row in self.subtasks(job) if row["state"] == "running"]
            return rows if len(rows) >= count else None

        found: list[dict[str, Any]] = until(running, what=f"{count} running subtasks of {job}")
        return found

    def heal(self) -> None:
        """Start again what a test killed; every Spore is online and idle afterwards."""

        def whole() -> bool:
            self.stack.mind(restart=True)
            view, nodes = self.cluster(), self.nodes().values()
            return (
                view["foreman"]["state"] == "leading"
                and not view["active_subtasks"]
                and [node["state"] for node in nodes] == ["online"] * SPORES
                and all(self.lives(name) for name in ("foreman", *self.nodes()))
            )

        until(whole, what=f"a whole Hive again; there is {self.cluster()}")

    def answers(self) -> bool:
        """Start again what was killed; whether the Nexus is there."""
        self.stack.mind(restart=True)
        livez = f"{self.stack.ready['nexus']}/livez"
        try:
            # Not by the client, which waits for it, and nobody would start it meanwhile.
            return urllib3.request("GET", livez, retries=False, timeout=2).status == 200
        except urllib3.exceptions.HTTPError:
            return False

    def lives(self, name: str) -> bool:
        """Whether the process of a part is there."""
        pid = self.pid(name)
        return psutil.pid_exists(pid) and not is_gone(psutil.Process(pid))
