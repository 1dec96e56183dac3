"""The program that reads docker-compose.yml: found, asked, and told what to do."""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from hive_site.configuration import PROJECT
from hive_site.kernel.errors import HiveError

FILE = PROJECT / "docker-compose.yml"
#: In this order; Podman's own passes on to one of the others.
PROGRAMS = (
    *(("docker", "compose"), ("docker-compose",)),
    *(("podman", "compose"), ("podman-compose",)),
)
ASK_SECONDS = 60
NONE_HERE = (
    "neither docker compose nor podman-compose is here; install Docker with its compose plugin"
    " (or podman and podman-compose), or start the Hive without containers: `hive up`"
)
NO_ENGINE = "start it (`systemctl start docker`, or Docker Desktop), or do without: `hive up`"


@dataclass(frozen=True, slots=True)
class Compose:
    """One program that reads compose files. `waits`: it can wait until all services are well."""

    program: tuple[str, ...]
    waits: bool = False

    @property
    def name(self) -> str:
        """What people type."""
        return " ".join(self.program)

    def ask(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """What it says to a short question about the stack."""
        return _run([*self.program, "--file", str(FILE), *words])

    def tell(self, *words: str) -> int:
        """Have it do something that takes its time; its exit code.

        What it says goes to stderr: stdout is for the answer of our own command.
        """
        sys.stderr.flush()
        argv = [*self.program, "--file", str(FILE), *words]
        return subprocess.run(argv, stdout=sys.stderr.fileno(), check=False).returncode


def find_compose() -> Compose:
    """The program that is here, with an engine that answers. Raises `HiveError`."""
    compose = next(filter(None, map(_try, PROGRAMS)), None)
    if compose is None:
        raise HiveError(NONE_HERE)
    asked = compose.ask("ps", "-q")
    if asked.returncode:
        raise HiveError(f"{compose.name} reaches no engine: {last_line(asked)}; {NO_ENGINE}")
    return compose


def last_line(asked: "subprocess.CompletedProcess[str]") -> str:
    """The end of what a program complained of."""
    said = (asked.stderr.strip() or asked.stdout.strip()).splitlines()
    return said[-1].strip(" .?") if said else f"exit code {asked.returncode}"


def _try(program: tuple[str, ...]) -> Compose | None:
    if not shutil.which(program[0]) or _run([*program, "version"]).returncode:
        return None
    return Compose(program, waits="--wait-timeout" in _run([*program, "up", "--help"]).stdout)


def _run(argv: Sequence[str]) -> "subprocess.CompletedProcess[str]":
    try:
        return subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=ASK_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(
            argv, 1, stdout="", stderr=f"no answer in {ASK_SECONDS} s"
        )


def make_secrets() -> bool:
    """Make those secrets of the services that are not there; whether there were any."""
    folder, script = PROJECT / "deploy" / "secrets", PROJECT / "deploy" / "make_secrets.py"
    before = set(folder.rglob("*"))
    made = _run([sys.executable, str(script)])
    if made.returncode:
        raise HiveError(f"the secrets in {folder} could not be made: {last_line(made)}")
    return set(folder.rglob("*")) != before
