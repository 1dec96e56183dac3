"""Puts a package on a disk: whole, proved from the disk, and nowhere but below one directory."""

import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hive_site.kernel.disk import sync_directory
from ota.archive import CHUNK_BYTES, Package
from ota.domain.manifest import PATH, File, Manifest

#: Nothing that is there already is followed or written into.
NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
FOLDER_MODE = 0o755
BYTECODE = re.compile(r"(^|/)__pycache__/[^/]+\.pyc$")


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
    with _opened(into) as root:
        for file in package.manifest.files:
            _write(root, file.path, package.read(file.path), file.mode)
        _write(root, PATH, iter((package.manifest.write(),)), 0o644)
        verify(into, package.manifest)
        _sync_folders(into)
    sync_directory(into.parent)


def verify(root: Path, manifest: Manifest) -> None:
    """Read every file of a release from the disk. Raises `Drifted` with the first that differs.

    Bytecode in `__pycache__` is nobody's word: whoever verifies a tree deletes it (see
    ota/spore/bytecode.py).
    """
    for file in manifest.files:
        fault = _fault_of(root / file.path, file)
        if fault:
            raise Drifted(f"{file.path}: {fault}")
    known = {PATH, *manifest.by_path}
    for path in sorted(_all_files(root)):
        if path not in known and not BYTECODE.search(path):
            raise Drifted(f"{path}: the manifest does not name it")


def _write(root: int, path: str, pieces: Iterator[bytes], mode: int) -> None:
    *folders, name = path.split("/")
    folder = os.dup(root)
    try:
        for part in folders:
            outer, folder = folder, _enter(folder, part)
            os.close(outer)
        file = os.open(name, NEW, 0o600, dir_fd=folder)
        with os.fdopen(file, "wb") as target:
            for piece in pieces:
                target.write(piece)
            target.flush()
            # Not from the call that opens it: that one heeds the process's mask.
            os.fchmod(target.fileno(), mode)
            os.fsync(target.fileno())
    finally:
        os.close(folder)


def _enter(folder: int, part: str) -> int:
    """The descriptor of a directory in another one, made if need be."""
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
    for folder, _, names in os.walk(root):
        for name in names:
            yield (Path(folder) / name).relative_to(root).as_posix()


def _sync_folders(root: Path) -> None:
    for folder, _, _ in os.walk(root):
        sync_directory(Path(folder))


@contextmanager
def _opened(folder: Path) -> Iterator[int]:
    descriptor = os.open(folder, FOLDER)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
