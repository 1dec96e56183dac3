"""The site of a run as a process of its own, for what only it does."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import urllib3

from bench.contenders import Incomplete
from hive_site.configuration import PROJECT
from hive_site.stack.redis_server import free_port

READY_SECONDS = 30.0
LOOK_EVERY_SECONDS = 0.05
HOST = "127.0.0.1"


@dataclass(frozen=True)
class Nexus:
    """Where it listens, and a key."""

    port: int
    key: str
    pid: int = 0

    def request(self, path: str) -> bytes:
        """The bytes of a GET that keeps its connection."""
        lines = (
            f"GET /api/v1/{path} HTTP/1.1",
            f"Host: {HOST}:{self.port}",
            f"Authorization: Bearer {self.key}",
        )
        return "\r\n".join((*lines, "", "")).encode()


@contextlib.contextmanager
def open_nexus(scopes: Sequence[str] = ("read",)) -> Iterator[Nexus]:
    """A Nexus over the database and Redis of this run, and a key of it with these scopes."""
    from nodes.services import create_api_key

    port = free_port(HOST)
    _, key = create_api_key(name="bench", scopes=scopes)
    argv = [
        sys.executable,
        "-m",
        "uvicorn",
        "hive_site.asgi:application",
        "--app-dir",
        str(PROJECT),
    ]
    argv += ["--host", HOST, "--port", str(port), "--log-level", "error", "--no-access-log"]
    env = {**os.environ, "HIVE_API_RATE": "0"}
    with subprocess.Popen(argv, env=env, stderr=subprocess.DEVNULL) as process:
        try:
            _await_answer(port)
            yield Nexus(port, key, process.pid)
        finally:
            process.terminate()


def _await_answer(port: int) -> None:
    give_up_at = time.monotonic() + READY_SECONDS
    while time.monotonic() < give_up_at:
        with contextlib.suppress(urllib3.exceptions.HTTPError):
            if urllib3.request("GET", f"http://{HOST}:{port}/livez", retries=False).status == 200:
                return
        time.sleep(LOOK_EVERY_SECONDS)
    raise Incomplete(f"the Nexus did not come up in {READY_SECONDS:.0f} s")
