"""What makes a change on a disk last."""

import ctypes
import os
from collections.abc import Callable
from pathlib import Path


def sync_directory(folder: Path) -> None:
    """The names in a directory survive a power cut once this returns. Raises `OSError`."""
    _sync(folder, os.O_RDONLY | os.O_DIRECTORY)


def replace_file(path: Path, data: bytes) -> None:
    """Whoever reads it, even after a power cut, finds the old contents or these. Raises `OSError`.

    For one writer at a time.
    """
    draft = path.with_name(f".{path.name}.new")
    with draft.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    sync_directory(path.parent)


def sync_tree(root: Path) -> None:
    """All files and names below a directory survive a power cut once this returns.

    One call where the system has syncfs(2), instead of one for each file. Raises `OSError`.
    """
    syncfs: Callable[[int], int] | None = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)
    if syncfs is None:
        for folder, _, names in os.walk(root):
            for name in names:
                _sync(os.path.join(folder, name), os.O_RDONLY)
            sync_directory(Path(folder))
        return
    descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        if syncfs(descriptor):
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code), str(root))
    finally:
        os.close(descriptor)


def _sync(path: str | Path, flags: int) -> None:
    descriptor = os.open(path, flags | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
