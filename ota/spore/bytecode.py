"""Python's bytecode of a release, laid beside its sources by us, as Python may write nothing there.

A start from source takes longer, and most files of a release are those of the one before. So the
bytecode of equal files is taken over from there; the rest is compiled once the release has proved
itself. All is marked as checked by hash (PEP 552): Python uses it only for just these bytes of
source, wherever they lie. As a program: compiles what has none in the tree that is named.
"""

import importlib.util
import os
import py_compile
import shutil
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

MAGIC = importlib.util.MAGIC_NUMBER
HEADER_BYTES = 16
#: Flags of PEP 552: named by the hash of the source, and to be compared with it.
HASHED, CHECKED = 0b01, 0b11
CACHE = "__pycache__"
MODE = py_compile.PycInvalidationMode.CHECKED_HASH
#: Nobody waits for what is compiled afterwards (nice(2)).
PATIENCE = 10


def take_bytecode(tree: Path, donors: Iterable[Path]) -> int:
    """Give the sources of a tree the bytecode of equal files in `donors`; how many got theirs.

    Raises `OSError`.
    """
    donors, taken = list(donors), 0
    for source in sources(tree):
        data, path = source.read_bytes(), source.relative_to(tree)
        code = next((code for each in donors if (code := _code_of(each / path, data))), None)
        if code:
            _write(source, data, code)
            taken += 1
    return taken


def compile_rest(tree: Path) -> int:
    """Compile what has no bytecode yet; how many files that were. Raises `OSError`.

    What does not compile has none: whoever imports it is told why.
    """
    made = 0
    for source in sources(tree):
        if _code_of(source, source.read_bytes()) is None:
            with suppress(py_compile.PyCompileError):
                made += py_compile.compile(str(source), doraise=True, invalidation_mode=MODE) != ""
    return made


def drop_bytecode(tree: Path) -> None:
    """Delete all of it. Raises `OSError`."""
    for folder in list(tree.rglob(CACHE)):
        shutil.rmtree(folder)


def sources(tree: Path) -> Iterator[Path]:
    """All files of Python in a tree."""
    return (path for path in sorted(tree.rglob("*.py")) if path.is_file())


def _code_of(donor: Path, data: bytes) -> bytes | None:
    """The marshalled code of a donor's file, if that has just these bytes and up-to-date code."""
    with suppress(OSError, ValueError):
        if donor.read_bytes() != data:
            return None
        cached = Path(importlib.util.cache_from_source(str(donor))).read_bytes()
        if cached[:4] == MAGIC and _is_of(cached, donor, data):
            return cached[HEADER_BYTES:]
    return None


def _is_of(cached: bytes, donor: Path, data: bytes) -> bool:
    flags = int.from_bytes(cached[4:8], "little")
    if flags & HASHED:
        return cached[8:16] == importlib.util.source_hash(data)
    about = donor.stat()
    told = (int.from_bytes(cached[8:12], "little"), int.from_bytes(cached[12:16], "little"))
    return told == (int(about.st_mtime) & 0xFFFFFFFF, about.st_size & 0xFFFFFFFF)


def _write(source: Path, data: bytes, code: bytes) -> None:
    target = Path(importlib.util.cache_from_source(str(source)))
    target.parent.mkdir(exist_ok=True)
    header = MAGIC + CHECKED.to_bytes(4, "little") + importlib.util.source_hash(data)
    target.write_bytes(header + code)


if __name__ == "__main__":
    os.nice(PATIENCE)
    compile_rest(Path(sys.argv[1]))
