"""The agent's end of the two pipes to its launcher: one JSON object a line, each way.

A word is a key of such an object, what is said with it the value. Neither side ever waits for
the other: what cannot be written yet is kept, of each word the newest only.
"""

import ctypes
import json
import os
import select
import signal
import sys
import time
from collections.abc import Iterator, MutableMapping
from dataclasses import dataclass
from typing import Any

import structlog

from hive_site.kernel.errors import Invalid
from hive_site.kernel.pulse import SILENT, Pulse

log = structlog.get_logger()
PR_SET_PDEATHSIG = 1
#: A launcher that said nothing for so long is frozen; it ticks once a second.
PATIENCE_SECONDS = 6.0
READ_BYTES = 64 * 1024
MAX_LINE_BYTES = 1024 * 1024


class LauncherGone(Exception):
    """The launcher is dead: whatever it watched over must end with it."""


class Leash:
    """Made by a living launcher's child."""

    is_managed = True

    def __init__(self, reader: int, writer: int) -> None:
        self._reader, self._writer = reader, writer
        for end in (reader, writer):
            os.set_blocking(end, False)
            os.set_inheritable(end, False)
        self._heard, self._skips = b"", False
        #: What could not be written yet: the rest of a line that was cut, and whole lines.
        self._cut, self._waiting = b"", dict[str, bytes]()
        self._ticked_at = time.monotonic()

    @property
    def is_held(self) -> bool:
        """Whether the launcher was heard of late; a frozen launcher is a frozen Spore."""
        return time.monotonic() - self._ticked_at < PATIENCE_SECONDS

    def wakers(self) -> list[int]:
        """The descriptors that can be read once something was said."""
        return [self._reader]

    def hear(self, seconds: float = 0.0) -> list[tuple[str, Any]]:
        """What was said since, at once if anything was. Raises `LauncherGone`."""
        self._flush()
        if seconds:
            writers = [self._writer] if self._cut or self._waiting else []
            select.select([self._reader], writers, [], seconds)
            self._flush()
        return list(self._read())

    def say(self, word: str, what: Any) -> None:
        """Tell the launcher, now or as soon as it listens."""
        self._waiting.pop(word, None)
        self._waiting[word] = json.dumps({word: what}).encode() + b"\n"
        self._flush()

    def slip(self) -> None:
        """Let go of both ends; in a forked child this touches only the child's copies."""
        os.close(self._reader)
        os.close(self._writer)

    def _read(self) -> Iterator[tuple[str, Any]]:
        while True:
            try:
                data = os.read(self._reader, READ_BYTES)
            except BlockingIOError:
                return
            if not data:
                raise LauncherGone
            *lines, self._heard = (self._heard + data).split(b"\n")
            for line in lines:
                yield from () if self._skips else self._parse(line)
                self._skips = False
            if len(self._heard) > MAX_LINE_BYTES:
                log.warning("launcher.refused", reason=f"a line over {MAX_LINE_BYTES} bytes")
                self._heard, self._skips = b"", True

    def _parse(self, line: bytes) -> Iterator[tuple[str, Any]]:
        try:
            said = json.loads(line)
        except (ValueError, RecursionError) as error:
            log.warning("launcher.refused", reason=str(error))
            return
        if not isinstance(said, dict):
            log.warning("launcher.refused", reason="not an object")
            return
        self._ticked_at = time.monotonic()
        yield from said.items()

    def _flush(self) -> None:
        while self._cut or self._waiting:
            if not self._cut:
                word = next(iter(self._waiting))
                self._cut = self._waiting.pop(word)
            try:
                self._cut = self._cut[os.write(self._writer, self._cut) :]
            except BlockingIOError:
                return
            except BrokenPipeError:
                self._cut, self._waiting = b"", {}  # reading tells that the launcher is gone


class NoLeash(Leash):
    """Of a Spore that nobody launched: silent, and nothing holds it."""

    is_managed = False
    is_held = True

    def __init__(self) -> None:
        pass

    def wakers(self) -> list[int]:
        """None."""
        return []

    def hear(self, seconds: float = 0.0) -> list[tuple[str, Any]]:
        """Nothing."""
        time.sleep(seconds)
        return []

    def say(self, word: str, what: Any) -> None:
        """Nobody listens."""

    def slip(self) -> None:
        """There is nothing to let go of."""


@dataclass(frozen=True, slots=True)
class Launch:
    """How an agent was started. An `incarnation` is taken over from the agent before it;
    `pulse` is where it leaves signs of life."""

    leash: Leash
    gated: bool = False
    incarnation: str = ""
    pulse: Pulse = SILENT


#: Of a Spore that somebody started by hand.
ALONE = Launch(NoLeash())


def read_launch(environ: MutableMapping[str, str]) -> Launch:
    """What the launcher left in the environment, which loses it: tasks are not to find it.

    Raises `Invalid` for pipes that are none.
    """
    pipes = environ.pop("HIVE_LAUNCHER_FDS", "")
    gated = environ.pop("HIVE_GATE", "") == "1"
    incarnation = environ.pop("HIVE_INCARNATION", "")
    if not pipes:
        return ALONE
    try:
        reader, writer = map(int, pipes.split(","))
        return Launch(Leash(reader, writer), gated, incarnation)
    except (ValueError, OverflowError, OSError) as error:
        rule = "the launcher sets it to two open pipes; do not set it yourself"
        raise Invalid(f"HIVE_LAUNCHER_FDS {pipes!r}: {rule}", field="HIVE_LAUNCHER_FDS") from error


def die_with_launcher() -> None:
    """End as soon as the parent does. That it lives still, the leash tells."""
    parent = os.getppid()
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before we asked
        os._exit(1)
