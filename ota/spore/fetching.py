"""Brings a file whose SHA-256 is known to this node, over a line that may be slow, cut or hostile.

Nothing that the sender says of the file is believed: not its length, not its name. What was begun
is gone on with, and all of it is read from the disk before it counts.
"""

import hashlib
import os
import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Protocol

from hive_site.kernel.disk import sync_directory
from ota.spore.failures import Failed
from ota.spore.nexus import NexusAway, Refused

LEAST_BYTES_A_SECOND = 32 * 1024
WINDOW_SECONDS = 20.0
LEAST_DEADLINE_SECONDS, DEADLINE_BYTES_A_SECOND = 60.0, 100 * 1024
LONGEST_REST_SECONDS = 60.0
CHUNK_BYTES = 1024 * 1024
RANGE_NOT_SATISFIABLE = 416
REQUEST_TIMEOUT = 408


class Source(Protocol):
    """An open answer (`ota.spore.nexus.Body`)."""

    etag: str
    start: int

    def pieces(self) -> Iterable[bytes]:
        """Its bytes."""


#: Opens a file from a byte on, if it is still what begun parts are of.
Open = Callable[[int], AbstractContextManager[Source]]


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file that is wanted: what it must be, and where it goes."""

    target: Path
    sha256s: frozenset[str]
    #: Exactly so many bytes; where nobody signed a size, at most `at_most`.
    size: int | None = None
    at_most: int = 0

    @property
    def part(self) -> Path:
        """Where it lies until it is whole."""
        return self.target.with_name(f"{self.target.name}.part")

    @property
    def cap(self) -> int:
        """No more bytes than this are taken."""
        return self.at_most if self.size is None else self.size


@dataclass(frozen=True, slots=True)
class Pace:
    """Clock, patience and luck of downloads. `clock` counts seconds and never goes back."""

    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    luck: Random = field(default_factory=Random)
    window: float = WINDOW_SECONDS
    least: float = LEAST_BYTES_A_SECOND


def deadline_for(size: int) -> float:
    """How many seconds a file of this size may take."""
    return max(LEAST_DEADLINE_SECONDS, size / DEADLINE_BYTES_A_SECOND)


class Fetcher:
    """Fetches one file after the other. `progress` is told the fraction that is here."""

    def __init__(
        self, pace: Pace, progress: Callable[[float], None] = lambda fraction: None
    ) -> None:
        self._pace, self._progress = pace, progress

    def fetch(self, wanted: Wanted, open_at: Open, *, seconds: float) -> Path:
        """The file, whole and on the disk. Raises `Failed` with code "download", `OSError`."""
        if _is_whole(wanted):
            return wanted.target
        wanted.target.parent.mkdir(parents=True, exist_ok=True)
        give_up_at, tries = self._pace.clock() + seconds, 0
        while True:
            before = _length(wanted.part)
            try:
                return self._attempt(wanted, open_at, give_up_at)
            except (NexusAway, _Slow) as fact:
                away = fact
            except Refused as fact:
                raise Failed("download", f"the Nexus refused it: {fact}") from None
            # Whoever got on is not being put off; the rests begin anew.
            tries = 0 if _length(wanted.part) > before else tries + 1
            rest = self._pace.luck.uniform(0, min(LONGEST_REST_SECONDS, 2.0 ** min(tries, 6)))
            rest = max(rest, getattr(away, "retry_after", None) or 0.0)
            if self._pace.clock() + rest >= give_up_at:
                raise Failed("download", f"not whole after {seconds:.0f} s: {away}") from None
            self._pace.sleep(rest)

    def _attempt(self, wanted: Wanted, open_at: Open, give_up_at: float) -> Path:
        """One connection. What came is kept for the next one, unless it was wrong."""
        have = _begin(wanted)
        if have != wanted.size:
            try:
                with open_at(have) as source:
                    _check_place(wanted, source, have)
                    self._receive(wanted, source, give_up_at)
            except Refused as fact:
                if fact.status == RANGE_NOT_SATISFIABLE and have:
                    wanted.part.unlink()
                    raise NexusAway("what was begun is not what the Nexus has") from None
                if fact.status == REQUEST_TIMEOUT:
                    raise NexusAway(fact.reason) from None
                raise
        return self._finish(wanted, resumed=have > 0)

    def _receive(self, wanted: Wanted, source: Source, give_up_at: float) -> None:
        clock, done = self._pace.clock, source.start
        since, base = clock(), done
        with wanted.part.open("r+b" if done else "wb") as file:
            file.seek(done)
            for piece in source.pieces():
                done += len(piece)
                if done > wanted.cap:
                    file.close()
                    wanted.part.unlink()
                    raise Failed("download", f"it is longer than the {wanted.cap} bytes allowed")
                file.write(piece)
                self._progress(done / max(wanted.cap, 1))
                now = clock()
                if now >= give_up_at:
                    raise _Slow(f"only {done} of {wanted.cap} bytes are here")
                if now - since >= self._pace.window:
                    _check_speed(done - base, now - since, self._pace.least)
                    since, base = now, done
            file.flush()
            os.fsync(file.fileno())
        if wanted.size is not None and done < wanted.size:
            raise NexusAway(f"the connection ended after {done} of {wanted.size} bytes")

    def _finish(self, wanted: Wanted, *, resumed: bool) -> Path:
        """Prove it from the disk, and give it its name."""
        found = digest_file(wanted.part)
        if found not in wanted.sha256s:
            wanted.part.unlink()
            if resumed:
                raise NexusAway("the parts do not fit together; it is fetched anew")
            told = f"{wanted.target.name}: SHA-256 is {found}, not what was signed"
            raise Failed("download", told)
        wanted.part.replace(wanted.target)
        sync_directory(wanted.target.parent)
        self._progress(1.0)
        return wanted.target


class _Slow(Exception):
    """Fewer bytes than anybody should wait for."""


def digest_file(path: Path) -> str:
    """The SHA-256 of a file in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _is_whole(wanted: Wanted) -> bool:
    """Whether the file is there already. One that is not what it should be is deleted."""
    size = _length(wanted.target)
    if size < 0:
        return False
    if wanted.size in (None, size) and digest_file(wanted.target) in wanted.sha256s:
        return True
    wanted.target.unlink()
    return False


def _begin(wanted: Wanted) -> int:
    """How many bytes are here to go on from; those that cannot be of this file are deleted."""
    length = max(0, _length(wanted.part))
    if wanted.size is None or length > wanted.size:
        wanted.part.unlink(missing_ok=True)
        return 0
    return length


def _check_place(wanted: Wanted, source: Source, have: int) -> None:
    if source.start not in (0, have):
        raise NexusAway(f"asked from byte {have} on, the Nexus answered from {source.start} on")
    if source.start and source.etag and source.etag not in wanted.sha256s:
        wanted.part.unlink()
        raise NexusAway("the Nexus has another file there now")


def _check_speed(got: int, seconds: float, least: float) -> None:
    if got < least * seconds:
        raise _Slow(f"only {got} bytes in {seconds:.0f} s, less than {least:.0f} a second")


def _length(path: Path) -> int:
    """How long a file is; -1 if there is none."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return -1
