"""Deletes what a home needs no more. What counts as complete loses its mark first, so that being
killed in between leaves rubbish, never half of something.
"""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from time import time

from ota.spore.orders import Ready
from ota.spore.places import READY, Places, discard, entries, read_ready
from ota.spore.turns import Busy, taken

KEEP_NEWEST = 3
#: A package that was begun is gone on with for so long.
PART_SECONDS = 24 * 3600


def clean(
    home: Path, keep: set[str], keep_newest: int = KEEP_NEWEST, now: float | None = None
) -> list[str]:
    """Delete everything but these slots, the newest releases, and what they need.

    Gives what was deleted, as paths below the home; nothing while a stager is at work. What
    cannot be deleted now is left for the next time. `now` is in Unix seconds.
    """
    places, gone = Places(home), list[str]()
    with suppress(Busy, OSError), taken(places.lock):
        for path in _useless(places, keep, keep_newest, time() if now is None else now):
            with suppress(OSError):
                discard(path)
                gone.append(path.relative_to(home).as_posix())
    return gone


def repair(places: Places, keep: frozenset[str]) -> None:
    """Delete what a stager that was killed left half done; what can be resumed stays.

    Only for whoever holds the lock. Raises `OSError`.
    """
    for path in entries(places.staging):
        discard(path)
    for path in entries(places.environments):
        if not read_ready(path):
            discard(path)
    for path in entries(places.releases):
        if path.name not in keep and not (path / READY).exists():
            discard(path)


def _useless(places: Places, keep: set[str], keep_newest: int, now: float) -> Iterator[Path]:
    """What nothing needs. A release comes before the environment that it ran with."""
    ready = {path.name: Ready.read(path) for path in entries(places.releases)}
    newest = sorted((mark.seq, slot) for slot, mark in ready.items() if mark)[::-1][:keep_newest]
    kept = {*keep, places.current(), *(slot for _, slot in newest)}
    marks = [mark for slot, mark in ready.items() if slot in kept and mark]
    # A kept slot whose mark cannot be read may need any of the environments.
    unsure = any(slot in kept and not mark for slot, mark in ready.items())
    pythons = [mark.python for mark in marks]
    yield from (path for path in entries(places.releases) if path.name not in kept)
    for path in entries(places.environments):
        if not unsure and not any(Path(python).is_relative_to(path) for python in pythons):
            yield path
    packages = {mark.sha256 for mark in marks}
    yield from (path for path in entries(places.packages) if not _is_needed(path, packages, now))
    yield from entries(places.staging)
    yield from entries(places.wheels)


def _is_needed(package: Path, sha256s: set[str], now: float) -> bool:
    if package.suffix == ".part":
        return now - package.stat().st_mtime < PART_SECONDS
    return package.stem in sha256s
