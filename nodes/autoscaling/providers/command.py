"""The operator's own programs: they are given JSON on standard input, and say JSON.

`start` gets `{"cluster", "pool", "slots", "labels", "capabilities", "nodes": [{"name", "env"}]}`,
`stop` gets `{"cluster", "pool", "instance": {"id", "node"}}`, `list` gets the cluster and the pool
and answers `{"instances": [{"id", "node", "started_at"}]}`.
"""

import json
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from typing import IO, Any

from nodes.autoscaling.configuration import PoolSettings
from nodes.autoscaling.ports import Invitations, ProviderError
from nodes.domain.names import NODE_NAME
from nodes.domain.scaling_machines import Instance

MAX_BYTES, MAX_SAID_CHARS = 1024 * 1024, 200
LOOK_SECONDS = 0.02


class CommandProvider:
    """Runs `start`, `stop` and `list`, each for so long at most, in the environment `env`."""

    def __init__(
        self, settings: PoolSettings, *, invitations: Invitations, env: Mapping[str, str]
    ) -> None:
        self._settings, self._invitations, self._env = settings, invitations, env

    def list(self) -> list[Instance]:
        """See `Provider.list`."""
        said = self._run("list", {})
        try:
            rows = json.loads(said)["instances"]
            return [_read(row) for row in rows]
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            shape = '{"instances": [{"id": "…", "node": "…", "started_at": UNIX SECONDS}]}'
            raise ProviderError(f"list did not say {shape}: {error}") from error

    def start(self, nodes: Sequence[str]) -> None:
        """See `Provider.start`."""
        settings = self._settings
        make = self._invitations.make
        what = {
            "slots": settings.slots,
            "labels": settings.node_labels,
            "capabilities": list(settings.capabilities),
            "nodes": [{"name": n, "env": make(pool=settings.name, node=n)} for n in nodes],
        }
        self._run("start", what)

    def stop(self, instance: Instance) -> None:
        """See `Provider.stop`."""
        self._run("stop", {"instance": {"id": instance.id, "node": instance.node}})

    def close(self) -> None:
        """Nothing to end."""

    def _run(self, verb: str, about: Mapping[str, Any]) -> str:
        """What the program printed. Raises `ProviderError` with what it complained of."""
        options = self._settings.options
        told = {"cluster": self._settings.cluster, "pool": self._settings.name, **about}
        seconds = options["timeout_seconds"]
        with (
            tempfile.TemporaryFile() as given,
            tempfile.TemporaryFile() as said,
            tempfile.TemporaryFile() as complaints,
        ):
            given.write(json.dumps(told).encode())
            given.seek(0)
            code = self._wait(options[verb], (given, said, complaints), seconds, verb)
            if code:
                raise ProviderError(f"{verb} ended with {code}: {_last_words(complaints)}")
            said.seek(0)
            return said.read(MAX_BYTES).decode(errors="replace")

    def _wait(
        self, argv: Sequence[str], files: tuple[IO[bytes], ...], seconds: float, verb: str
    ) -> int:
        program = self._begin(argv, files, verb)
        give_up_at = time.monotonic() + seconds
        try:
            while program.poll() is None:
                if time.monotonic() > give_up_at:
                    raise ProviderError(f"{verb} took over {seconds:g} s")
                if max(os.fstat(file.fileno()).st_size for file in files) > MAX_BYTES:
                    raise ProviderError(f"{verb} said more than {MAX_BYTES} bytes")
                time.sleep(LOOK_SECONDS)
        finally:
            if program.poll() is None:
                os.killpg(program.pid, signal.SIGKILL)
                program.wait()
        return program.returncode

    def _begin(
        self, argv: Sequence[str], files: tuple[IO[bytes], ...], verb: str
    ) -> "subprocess.Popen[bytes]":
        given, said, complaints = files
        env = dict(self._env)
        try:
            return subprocess.Popen(
                argv, env=env, stdin=given, stdout=said, stderr=complaints, start_new_session=True
            )
        except OSError as error:
            raise ProviderError(f"{verb}: {argv[0]}: {error.strerror}") from error


def _read(row: Mapping[str, Any]) -> Instance:
    node = str(row["node"])
    if not NODE_NAME.fullmatch(node):
        raise ValueError(f"{node!r} is no name of a node")
    return Instance(str(row["id"]), node, float(row["started_at"]))


def _last_words(file: IO[bytes]) -> str:
    size = os.fstat(file.fileno()).st_size
    file.seek(max(size - 4 * MAX_SAID_CHARS, 0))
    words = file.read().decode(errors="replace").split()
    return " ".join(words)[-MAX_SAID_CHARS:] or "it said nothing"
