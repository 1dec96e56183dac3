"""The stager as the launcher's child: it brings a release here, and says how far it is."""

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from ota.spore.agents import Unborn
from ota.spore.log import tell

#: Where `ota` can be imported from: never a release.
PROJECT = Path(__file__).resolve().parents[2]
COMMAND = (sys.executable, "-m", "ota.spore.stager")
CHUNK_BYTES = 65536


class Stager:
    """One run of `ota.spore.stager`."""

    def __init__(
        self, command: tuple[str, ...], request: dict[str, Any], *, env: dict[str, str]
    ) -> None:
        self.step, self.fraction = "check", 0.0
        self.outcome: dict[str, Any] = {}
        self._said = b""
        asked, said = os.pipe(), os.pipe()
        os.write(asked[1], json.dumps(request).encode())
        self._process: subprocess.Popen[bytes] | Unborn
        try:
            self._process = subprocess.Popen(
                command,
                cwd=PROJECT,
                env=env,
                stdin=asked[0],
                stdout=said[1],
                start_new_session=True,
            )
        except OSError as error:  # the machine has no room for another process
            self._process = Unborn()
            tell("stager.unborn", error=error)
        for end in (*asked, said[1]):
            os.close(end)
        self.ear = said[0]
        os.set_blocking(self.ear, False)

    def listen(self) -> bool:
        """Take in what it said; True if it has ended."""
        code = self._process.poll()
        with suppress(BlockingIOError):
            while part := os.read(self.ear, CHUNK_BYTES):
                self._said += part
        *lines, self._said = self._said.split(b"\n")
        for line in lines:
            with suppress(ValueError):
                self._take(json.loads(line))
        return code is not None

    def stop(self) -> None:
        """End it; whatever it has by now the next one goes on with."""
        if self._process.pid > 0:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self.close()

    def close(self) -> None:
        """Let go of its pipe."""
        os.close(self.ear)

    def _take(self, message: dict[str, Any]) -> None:
        if "step" in message:
            self.step = str(message["step"])
            self.fraction = float(message.get("fraction", 0.0))
        else:
            self.outcome = message
