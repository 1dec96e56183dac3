"""An agent as the launcher's child: started, spoken to over two pipes, listened to, ended."""

import fcntl
import json
import os
import signal
import subprocess
import termios
from array import array
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from math import inf
from typing import Any

from ota.domain.install.events import Exited
from ota.domain.install.state import Slot

#: What an agent may say in one line, and how much of stderr is kept as its last words.
MAX_LINE_BYTES, LAST_WORDS_BYTES = 1024 * 1024, 4096
CHUNK_BYTES = 65536
#: The exit code of an agent that could not reach Redis (sysexits.h: EX_TEMPFAIL).
NO_REDIS = 75
#: How the last line of an agent begins that was asked for what cannot be, and its exit code.
MISUSED, MISUSED_WORDS = 2, ("rqworker: ", "manage.py rqworker: error: ")
#: Who listened to nothing for so long stands still: it beats for nobody and ends no task in time.
STUCK_SECONDS = 60.0
#: What a shell says of a program that is not there.
NOT_STARTED = 127
#: Names of variables that a launcher sets for its agents alone.
FDS, GATE, INCARNATION = "HIVE_LAUNCHER_FDS", "HIVE_GATE", "HIVE_INCARNATION"


@dataclass(frozen=True, slots=True)
class Recipe:
    """What all agents of a Spore are started with. `argv` begins behind `manage.py`."""

    argv: tuple[str, ...]
    env: Mapping[str, str] = field(repr=False)

    def command(self, slot: Slot) -> list[str]:
        """The command line for a release."""
        return [slot.python, os.path.join(slot.tree, "manage.py"), *self.argv]

    def environment(self, slot: Slot) -> dict[str, str]:
        """The variables for a release; its own code runs with what the Spore was given."""
        env = dict(self.env)
        if slot.own:
            return env
        modules = [env.get("HIVE_TASK_MODULES", ""), *slot.task_modules]
        return {
            **env,
            "HIVE_RELEASE": slot.version,
            # Nothing is ever written into a release.
            "PYTHONDONTWRITEBYTECODE": "1",
            "HIVE_TASK_MODULES": ",".join(
                dict.fromkeys(",".join(filter(None, modules)).split(","))
            ),
        }


class Unborn:
    """Stands for a process that could not be started: it has ended."""

    pid = -1

    def poll(self) -> int:
        """Its exit code, as a shell would have it."""
        return NOT_STARTED

    wait = poll

    def send_signal(self, signum: int) -> None:
        """Nobody hears it."""


class Agent:
    """One agent. `incarnation` is whose work it takes over, or what it said that it is."""

    def __init__(
        self, recipe: Recipe, slot: Slot, *, gated: bool = False, incarnation: str = ""
    ) -> None:
        self.slot, self.incarnation, self.gated = slot, incarnation, gated
        self.ready = self.live = self.retired = False
        #: What a retired agent still runs, as it last said.
        self.works: dict[str, Any] = {}
        #: Why it is about to end although it is healthy; empty if it did not say.
        self.leaving = ""
        self._said, self._words = b"", b""
        self._heard_us_at = inf
        theirs, ours, words = os.pipe(), os.pipe(), os.pipe()
        env = recipe.environment(slot)
        env[FDS] = f"{theirs[0]},{ours[1]}"
        env |= {GATE: "1"} if gated else {}
        env |= {INCARNATION: incarnation} if incarnation else {}
        self._process: subprocess.Popen[bytes] | Unborn
        try:
            self._process = subprocess.Popen(
                recipe.command(slot),
                env=env,
                stdin=subprocess.DEVNULL,
                stderr=words[1],
                pass_fds=(theirs[0], ours[1]),
                # What a terminal sends to us is not for it as well: we pass it on, once.
                start_new_session=True,
            )
        except OSError as error:  # its Python is gone, or the machine is full
            self._process = Unborn()
            os.write(words[1], f"{error}\n".encode())
        for end in (theirs[0], ours[1], words[1]):
            os.close(end)
        self._mouth, self.ear, self.stderr = theirs[1], ours[0], words[0]
        for end in (self._mouth, self.ear, self.stderr):
            os.set_blocking(end, False)

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    def say(self, **message: Any) -> None:
        """Tell it something. Whoever does not listen is not waited for."""
        with suppress(OSError):  # it is dead or its pipe is full: the next look finds out
            os.write(self._mouth, json.dumps(message).encode() + b"\n")

    def hear(self) -> list[dict[str, Any]]:
        """What it said since the last look."""
        self._said += _read_all(self.ear)
        *lines, self._said = self._said.split(b"\n")
        self._said = self._said[-MAX_LINE_BYTES:]
        messages = []
        for line in lines:
            with suppress(ValueError):
                found = json.loads(line)
                messages += [found] if isinstance(found, dict) else []
        return messages

    def watch(self, now: float) -> None:
        """End it if it worked once and stands still by now. `now` is of the steady clock."""
        unread = array("i", [0])
        fcntl.ioctl(self._mouth, termios.FIONREAD, unread)
        if not (unread[0] and self.live) or self._heard_us_at > now:
            self._heard_us_at = now
        elif now - self._heard_us_at > STUCK_SECONDS:
            self._words += f"\nit stood still for {STUCK_SECONDS:.0f} s\n".encode()
            self.kill()

    def pass_on(self) -> bytes:
        """What it wrote to its log since the last look."""
        words = _read_all(self.stderr)
        self._words = (self._words + words)[-LAST_WORDS_BYTES:]
        return words

    def last_words(self) -> str:
        """The last line of its log."""
        lines = self._words.decode(errors="replace").strip().splitlines()
        return lines[-1].strip()[:300] if lines else ""

    def ended(self) -> int | None:
        """Its exit code (negative: the signal), or None while it runs."""
        return self._process.poll()

    def signal(self, signum: int) -> None:
        """Send it a signal; nothing if it is gone."""
        with suppress(ProcessLookupError):
            self._process.send_signal(signum)

    def kill(self) -> None:
        """End it now, and its slots with it."""
        self.signal(signal.SIGKILL)
        self._process.wait()

    def close(self) -> None:
        """Let go of its pipes."""
        for end in (self._mouth, self.ear, self.stderr):
            with suppress(OSError):
                os.close(end)


@dataclass(slots=True)
class Elder:
    """An agent that retires: by when it must have stopped to take work, and have ended."""

    agent: Agent
    retired_by: float
    ended_by: float


def describe_end(agent: Agent, code: int) -> Exited:
    """What became of an agent, with the last line of its log if that may say why."""
    how, words = tell_end(code), agent.last_words()
    reason = f"{how}: {words}" if code and words else how
    misused = code == MISUSED and words.startswith(MISUSED_WORDS)
    return Exited(code, reason, bool(agent.leaving), code == NO_REDIS, misused)


def tell_end(code: int) -> str:
    """How it ended, for people."""
    if code >= 0:
        return f"exit code {code}"
    with suppress(ValueError):
        return f"signal {signal.Signals(-code).name}"
    return f"signal {-code}"


def _read_all(descriptor: int) -> bytes:
    parts = []
    with suppress(BlockingIOError, OSError):
        while part := os.read(descriptor, CHUNK_BYTES):
            parts.append(part)
    return b"".join(parts)
