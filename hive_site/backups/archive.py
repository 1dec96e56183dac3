"""A backup as a file: a tar, compressed, whose last member is the manifest.

Nothing is read twice and nothing needs to be sought, so it can come from a pipe and go into one.
"""

import gzip
import hashlib
import io
import os
import shutil
import tarfile
import zlib
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import IO, BinaryIO

from hive_site.backups.manifest import NAME, Entry, Manifest, NoBackup, check_name

CHUNK_BYTES = 1024 * 1024
MAX_MANIFEST_BYTES = 256 * 1024 * 1024
#: What runs beside it needs the CPU more than the disk needs the last percents.
LEVEL = 1
#: What a torn or foreign file makes these raise.
BROKEN = (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile)


class _Counted(io.RawIOBase):
    """A file that is hashed while it is read."""

    def __init__(self, source: IO[bytes]) -> None:
        self._source, self._digest, self._size = source, hashlib.sha256(), 0

    def read(self, size: int = -1) -> bytes:
        piece = self._source.read(size)
        self._digest.update(piece)
        self._size += len(piece)
        return piece

    @property
    def entry(self) -> Entry:
        """What was read so far."""
        return Entry(self._size, self._digest.hexdigest())


class Writer:
    """Writes one backup. As a context manager it ends the archive."""

    def __init__(self, target: BinaryIO, created_at: datetime) -> None:
        self._gzip = gzip.GzipFile(fileobj=target, mode="wb", compresslevel=LEVEL, filename="")
        self._tar = tarfile.TarFile.open(fileobj=self._gzip, mode="w|", format=tarfile.PAX_FORMAT)
        self._created_at = created_at
        self.files: dict[str, Entry] = {}

    def __enter__(self) -> "Writer":
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if error is None:
            self._tar.close()
        self._gzip.close()

    def add(self, name: str, path: Path) -> None:
        """A file. Raises `OSError`, also if it is gone."""
        with path.open("rb") as file:
            counted = _Counted(file)
            self._tar.addfile(self._describe(name, os.fstat(file.fileno()).st_size), counted)
        self.files[name] = counted.entry

    def add_bytes(self, name: str, data: bytes) -> None:
        """A file whose contents are given."""
        self._tar.addfile(self._describe(name, len(data)), io.BytesIO(data))
        self.files[name] = Entry(len(data), hashlib.sha256(data).hexdigest())

    def finish(self, manifest: Manifest) -> None:
        """The manifest, behind everything else."""
        data = manifest.write()
        self._tar.addfile(self._describe(NAME, len(data)), io.BytesIO(data))

    def _describe(self, name: str, size: int) -> tarfile.TarInfo:
        about = tarfile.TarInfo(name)
        about.size, about.mode, about.mtime = size, 0o600, int(self._created_at.timestamp())
        return about


def unpack(source: BinaryIO, folder: Path) -> Manifest:
    """Every file of a backup into a directory; all of them were proved when this returns.

    Raises `NoBackup` for anything but a whole backup, `OSError` if the disk does not take it.
    """
    found: dict[str, Entry] = {}
    try:
        with tarfile.open(fileobj=source, mode="r|gz") as tar:
            for member in tar:
                if member.name == NAME:
                    manifest = _read_manifest(tar, member)
                    break
                if member.name in found:
                    raise NoBackup(f"{member.name} is in it twice")
                found[member.name] = _unpack_file(tar, member, folder)
            else:
                raise NoBackup("it has no manifest: it was cut short, or is something else")
            if tar.next() is not None:
                raise NoBackup("something follows its manifest")
    except BROKEN as fact:
        raise NoBackup(f"it was cut short, is damaged, or is something else ({fact})") from fact
    manifest.compare(found)
    return manifest


def files_of(folder: Path, names: Iterable[str]) -> list[tuple[str, Path]]:
    """The files below these directories of a directory, by their names in a backup.

    Without what was never finished, and locks: both begin with a dot.
    """
    found = []
    for name in names:
        for place, below, files in os.walk(folder / name):
            below[:] = sorted(each for each in below if not each.startswith("."))
            for file in sorted(each for each in files if not each.startswith(".")):
                path = Path(place) / file
                if path.is_file() and not path.is_symlink():
                    found.append((path.relative_to(folder).as_posix(), path))
    return found


def _read_manifest(tar: tarfile.TarFile, member: tarfile.TarInfo) -> Manifest:
    if not member.isreg() or member.size > MAX_MANIFEST_BYTES:
        raise NoBackup("its manifest is none")
    return Manifest.read(_open(tar, member).read())


def _unpack_file(tar: tarfile.TarFile, member: tarfile.TarInfo, folder: Path) -> Entry:
    path = folder / check_name(member.name)
    if not member.isreg():
        raise NoBackup(f"{member.name} is no file")
    if member.size > shutil.disk_usage(folder).free:
        raise OSError(f"no room for {member.name} ({member.size} bytes) in {folder}")
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    counted = _Counted(_open(tar, member))
    with open(path, "xb", opener=_private) as file:
        while piece := counted.read(CHUNK_BYTES):
            file.write(piece)
    return counted.entry


def _open(tar: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    file = tar.extractfile(member)
    if file is None:
        raise NoBackup(f"{member.name} is no file")
    return file


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CLOEXEC, 0o600)
