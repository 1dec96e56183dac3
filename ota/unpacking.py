"""Puts a package on a disk: whole, proved from the disk, and nowhere but below one directory."""

import hashlib
import os
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path

from hive_site.kernel.disk import sync_directory, sync_tree
from ota.archive import CHUNK_BYTES, Package
from ota.domain.manifest import PATH, File, Manifest

#: Nothing that is there already is followed or written into.
NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
FOLDER_MODE = 0o755


class Drifted(Exception):
    """What lies on the disk is not what the manifest says."""


def unpack(package: Package, into: Path) -> None:
    """Write all files of a package below a directory that does not exist yet.

    When this returns, they were read back from the disk as the manifest says and survive a power
    cut. Raises `FileExistsError`, `OSError` (a full disk), `BadArchive`, `Drifted`; the caller
    deletes what was written by then.
    """
    into.mkdir()
    into.chmod(FOLDER_MODE)
    with _Folders(into) as folders:
        for file in package.manifest.files:
            _write(folders, file.path, package.read(file.path), file.mode)
        _write(folders, PATH, iter((package.manifest.write(),)), 0o644)
    verify(into, package.manifest)
    sync_tree(into)
    sync_directory(into.parent)


def verify(root: Path, manifest: Manifest) -> None:
    """Read every file of a release from the disk. Raises `Drifted` with the first that differs."""
    for file in manifest.files:
        fault = _fault_of(root / file.path, file)
        if fault:
            raise Drifted(f"{file.path}: {fault}")
    known = {PATH, *manifest.by_path}
    for path in sorted(_all_files(root)):
        if path not in known:
            raise Drifted(f"{path}: the manifest does not name it")


class _Folders:
    """The directories on the way to the last file, open: nobody can put another in their place."""

    def __init__(self, root: Path) -> None:
        self._chain = [("", os.open(root, FOLDER))]

    def __enter__(self) -> "_Folders":
        return self

    def __exit__(self, *about: object) -> None:
        self._leave(0)

    def enter(self, parts: list[str]) -> int:
        """The descriptor of a directory below the root, made if need be."""
        pairs = zip(self._chain[1:], parts, strict=False)
        shared = sum(1 for _ in takewhile(lambda pair: pair[0][0] == pair[1], pairs))
        self._leave(shared + 1)
        for part in parts[shared:]:
            self._chain.append((part, _enter(self._chain[-1][1], part)))
        return self._chain[-1][1]

    def _leave(self, depth: int) -> None:
        while len(self._chain) > depth:
            os.close(self._chain.pop()[1])


def _write(folders: _Folders, path: str, pieces: Iterator[bytes], mode: int) -> None:
    *parts, name = path.split("/")
    file = os.open(name, NEW, 0o600, dir_fd=folders.enter(parts))
    with os.fdopen(file, "wb") as target:
        for piece in pieces:
            target.write(piece)
        target.flush()
        # Not from the call that opens it: that one heeds the process's mask.
        os.fchmod(target.fileno(), mode)


def _enter(folder: int, part: str) -> int:
    made = True
    try:
        os.mkdir(part, FOLDER_MODE, dir_fd=folder)
    except FileExistsError:
        made = False
    inner = os.open(part, FOLDER, dir_fd=folder)
    if made:
        os.fchmod(inner, FOLDER_MODE)
    return inner


def _fault_of(path: Path, file: File) -> str:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as fact:
        return fact.strerror or str(fact)
    with os.fdopen(descriptor, "rb") as source:
        about = os.fstat(source.fileno())
        if about.st_mode & 0o7777 != file.mode:
            return f"has rights {about.st_mode & 0o7777:o}, not {file.mode:o}"
        digest = hashlib.sha256()
        while piece := source.read(CHUNK_BYTES):
            digest.update(piece)
    return "" if digest.hexdigest() == file.sha256 else "has other contents"


def _all_files(root: Path) -> Iterator[str]:
    for folder, folders, names in os.walk(root):
        # A link to a directory may lead to files that look right while somebody looks.
        links = [name for name in folders if (Path(folder) / name).is_symlink()]
        for name in (*names, *links):
            yield (Path(folder) / name).relative_to(root).as_posix()
