"""Where the Nexus keeps what it hands out: packages by their SHA-256, wheels by their names.

A file is there as a whole or not at all, and survives a power cut once it is.
"""

import fcntl
import hashlib
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from django.conf import settings

from hive_site.kernel.disk import sync_directory
from hive_site.kernel.errors import TooLarge

CHUNK_BYTES = 1024 * 1024
#: What was never finished begins so.
UNFINISHED = ".new-"
MAX_PACKAGE_BYTES = 200 * 1024 * 1024
WHEEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+!-]{0,190}\.whl")


def packages() -> Path:
    """The directory of the packages."""
    return _folder("packages")


def wheelhouse() -> Path:
    """The directory of the wheels that releases need."""
    return _folder("wheels")


def locks() -> Path:
    """The directory of the locks that were made here, by the digest of what they are for."""
    return _folder("locks")


def package_path(sha256: str) -> Path:
    """Where a package lies, or would."""
    return packages() / f"{sha256}.zip"


@contextmanager
def received(source: BinaryIO) -> Iterator[tuple[Path, str]]:
    """A copy of what a file holds, beside the packages, and its SHA-256; gone at the end.

    Whatever is checked is this copy: nobody else writes to it. Raises `TooLarge`, `OSError`.
    """
    with _draft(packages()) as draft:
        digest, size = hashlib.sha256(), 0
        with draft.open("xb") as copy:
            while piece := source.read(CHUNK_BYTES):
                size += len(piece)
                if size > MAX_PACKAGE_BYTES:
                    rule = f"a package may have {MAX_PACKAGE_BYTES // 1024**2} MiB"
                    raise TooLarge(rule, field="package")
                digest.update(piece)
                copy.write(piece)
            copy.flush()
            os.fsync(copy.fileno())
        yield draft, digest.hexdigest()


def keep_package(draft: Path, sha256: str) -> Path:
    """Make a copy that was `received` a package. Doing it twice is fine."""
    place = package_path(sha256)
    draft.chmod(0o644)
    draft.replace(place)
    sync_directory(place.parent)
    return place


def keep_bytes(place: Path, data: bytes, *, mode: int = 0o644) -> None:
    """Write a file, in place of the one that may be there."""
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _draft(place.parent) as draft:
        with draft.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.chmod(mode)
        draft.replace(place)
    sync_directory(place.parent)


def keep_wheel(source: Path, sha256: str) -> bool:
    """Copy a wheel into the wheelhouse; False if its bytes have another SHA-256."""
    place = wheelhouse() / source.name
    with _draft(place.parent) as draft:
        with source.open("rb") as found, draft.open("xb") as copy:
            shutil.copyfileobj(found, copy, CHUNK_BYTES)
            copy.flush()
            os.fsync(copy.fileno())
        if sha256_of(draft) != sha256:
            return False
        draft.chmod(0o644)
        draft.replace(place)
    sync_directory(place.parent)
    return True


def sha256_of(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def locked() -> Iterator[None]:
    """Nobody else on this machine publishes or forgets a package meanwhile."""
    descriptor = os.open(packages() / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def _draft(folder: Path) -> Iterator[Path]:
    """A name that nobody else has; whatever has it at the end goes."""
    draft = folder / f"{UNFINISHED}{os.getpid()}-{secrets.token_hex(4)}"
    try:
        yield draft
    finally:
        draft.unlink(missing_ok=True)


def _folder(name: str) -> Path:
    folder: Path = settings.HIVE.data / "ota" / name
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder
