"""Packages as files: the same tree is written as the same bytes, and read under strict rules."""

import hashlib
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ota.domain.manifest import PATH, BadManifest, File, Manifest
from ota.domain.zip_layout import DEFLATED, UNIX, BadArchive, Entry, read_layout

CHUNK_BYTES = 256 * 1024
MAX_MANIFEST_BYTES = 16 * 1024 * 1024
#: The first moment that a ZIP can tell. Whoever unpacks must not restore it: of files of equal time
#: and size Python would run old bytecode.
EPOCH = (1980, 1, 1, 0, 0, 0)
REGULAR = 0o100000


@dataclass(frozen=True, slots=True)
class Source:
    """A file to be packed."""

    data: bytes
    mode: int = 0o644

    @property
    def sha256(self) -> str:
        """SHA-256 of its bytes."""
        return hashlib.sha256(self.data).hexdigest()


def write_package(target: BinaryIO, files: Mapping[str, Source]) -> Manifest:
    """Write a package with these files by their paths, and their manifest.

    Raises `BadName` for a path that a package may not have.
    """
    manifest = Manifest.of(
        File(path, len(source.data), source.sha256, source.mode) for path, source in files.items()
    )
    everything = {**files, PATH: Source(manifest.write())}
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path in sorted(everything):
            about = zipfile.ZipInfo(path, EPOCH)
            about.create_system, about.compress_type = UNIX, zipfile.ZIP_DEFLATED
            about.external_attr = (REGULAR | everything[path].mode) << 16
            archive.writestr(about, everything[path].data)
    return manifest


class Package:
    """An open package, every header of which was checked. Its data are checked as they are read."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self.entries = {entry.name: entry for entry in read_layout(self._read, size)}
        self.manifest = self._read_manifest()

    @property
    def unpacked_size(self) -> int:
        """How many bytes all of it takes on a disk."""
        return sum(entry.size for entry in self.entries.values())

    def read(self, path: str) -> Iterator[bytes]:
        """A file's bytes, in pieces; behind the last one they were what the manifest says.

        Raises `BadArchive` at the piece that is too much, or at the end.
        """
        entry, file = self.entries[path], self.manifest.by_path[path]
        digest = hashlib.sha256()
        for piece in self._inflate(entry):
            digest.update(piece)
            yield piece
        if digest.hexdigest() != file.sha256:
            raise BadArchive(f"{path!r} is not what the manifest says")

    def verify(self) -> None:
        """Read all of it. Raises `BadArchive`."""
        for file in self.manifest.files:
            for _ in self.read(file.path):
                pass

    def _read_manifest(self) -> Manifest:
        entry = self.entries.get(PATH)
        if entry is None or entry.size > MAX_MANIFEST_BYTES:
            raise BadArchive(f"the archive has no {PATH}, or one that is too long")
        try:
            manifest = Manifest.read(b"".join(self._inflate(entry)))
        except BadManifest as fact:
            raise BadArchive(str(fact)) from None
        self._compare(manifest)
        return manifest

    def _compare(self, manifest: Manifest) -> None:
        told = manifest.by_path
        for path in sorted({PATH, *told} ^ self.entries.keys()):
            where = "the manifest" if path in told else "the archive"
            raise BadArchive(f"only {where} has {path!r}")
        for path, file in told.items():
            entry = self.entries[path]
            if (entry.size, entry.mode) != (file.size, file.mode):
                raise BadArchive(f"{path!r} has another size or other rights in the manifest")

    def _inflate(self, entry: Entry) -> Iterator[bytes]:
        """The bytes of an entry. Never more than it says, whatever its data would give."""
        plain = _Inflater(entry) if entry.method == DEFLATED else _Counter(entry)
        for start in range(entry.start, entry.start + entry.packed, CHUNK_BYTES):
            left = entry.start + entry.packed - start
            yield from plain.feed(self._read(start, min(CHUNK_BYTES, left)))
        yield from plain.finish()

    def _read(self, start: int, length: int) -> bytes:
        self._file.seek(start)
        return self._file.read(length)


class _Counter:
    """Counts and checks what an entry gives."""

    def __init__(self, entry: Entry) -> None:
        self._entry, self._size, self._crc = entry, 0, 0

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Stored data are what they are."""
        yield self._count(data)

    def finish(self) -> Iterator[bytes]:
        """What is still to come. Raises `BadArchive` if that was not all, or not that."""
        yield from ()
        if (self._size, self._crc) != (self._entry.size, self._entry.crc):
            raise BadArchive(f"{self._entry.name!r} is damaged")

    def _count(self, data: bytes) -> bytes:
        self._size += len(data)
        self._crc = zlib.crc32(data, self._crc)
        if self._size > self._entry.size:
            raise BadArchive(f"{self._entry.name!r} is longer than it says")
        return data


class _Inflater(_Counter):
    """The same for data that are packed."""

    def __init__(self, entry: Entry) -> None:
        super().__init__(entry)
        self._stream = zlib.decompressobj(-zlib.MAX_WBITS)

    def feed(self, data: bytes) -> Iterator[bytes]:
        """A piece at a time, so that a bomb bursts at its first piece too many."""
        while data:
            try:
                plain = self._stream.decompress(data, CHUNK_BYTES)
            except zlib.error as fact:
                raise BadArchive(f"{self._entry.name!r} is damaged: {fact}") from None
            yield self._count(plain)
            data = self._stream.unconsumed_tail
            if not (plain or data):
                break

    def finish(self) -> Iterator[bytes]:
        """Also: nothing may stand behind the end of the stream."""
        if rest := self._stream.flush():
            yield self._count(rest)
        if not self._stream.eof or self._stream.unused_data:
            raise BadArchive(f"{self._entry.name!r} is damaged")
        yield from super().finish()


@contextmanager
def open_package(path: Path) -> Iterator[Package]:
    """A package on a disk. Raises `BadArchive`, `OSError`."""
    with path.open("rb") as file:
        yield Package(file, path.stat().st_size)
