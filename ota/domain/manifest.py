"""What is in a package, file by file: what a node proves against, from disk, before it runs it."""

import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from ota.domain.names import check_names

#: Where it lies in the package; it does not name itself.
PATH = ".hive/manifest.json"
SCHEMA = 1
SHA256 = re.compile(r"[0-9a-f]{64}")
MODES = (0o644, 0o755)
#: What reading nonsense raises; `BadName` and broken JSON are `ValueError`s.
MALFORMED = (ValueError, KeyError, TypeError, AttributeError, RecursionError)


class BadManifest(ValueError):
    """The text is no manifest."""


@dataclass(frozen=True, slots=True, order=True)
class File:
    """One file: where, how many bytes, their SHA-256, and its rights."""

    path: str
    size: int
    sha256: str
    mode: int = 0o644


@dataclass(frozen=True, slots=True)
class Manifest:
    """All files of a release but the manifest itself, by path."""

    files: tuple[File, ...]

    @classmethod
    def of(cls, files: Iterable[File]) -> "Manifest":
        """The manifest of these files. Raises `BadName`."""
        found = tuple(sorted(files))
        check_names([*(file.path for file in found), PATH])
        return cls(found)

    @classmethod
    def read(cls, text: bytes) -> "Manifest":
        """The manifest that a text is, to the letter as `write` makes it. Raises `BadManifest`."""
        try:
            body = json.loads(text)
            files = [_read_file(row) for row in body["files"]]
            manifest = cls.of(files)
        except MALFORMED as fact:
            raise BadManifest(f"{PATH}: {fact}") from None
        if manifest.write() != text:
            raise BadManifest(f"{PATH} is not written as manifests are")
        return manifest

    def write(self) -> bytes:
        """The text: the same for the same files, byte by byte."""
        body = {"schema": SCHEMA, "files": [asdict(file) for file in self.files]}
        return json.dumps(body, sort_keys=True, indent=1).encode() + b"\n"

    @property
    def by_path(self) -> dict[str, File]:
        """The files by their paths."""
        return {file.path: file for file in self.files}


@dataclass(frozen=True, slots=True)
class Difference:
    """What another release has that this one has not, by path."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]


def compare(old: Manifest, new: Manifest) -> Difference:
    """What became of the files between two releases."""
    before, after = old.by_path, new.by_path
    return Difference(
        added=tuple(sorted(after.keys() - before.keys())),
        removed=tuple(sorted(before.keys() - after.keys())),
        changed=tuple(sorted(p for p in before.keys() & after.keys() if before[p] != after[p])),
    )


def _read_file(row: Any) -> File:
    if row.keys() != {"path", "size", "sha256", "mode"}:
        raise ValueError(f"a file has path, size, sha256 and mode, not {sorted(row)}")
    file = File(**row)
    whole = type(file.size) is type(file.mode) is int and file.size >= 0 and file.mode in MODES
    if not (whole and isinstance(file.path, str) and SHA256.fullmatch(file.sha256)):
        raise ValueError(f"{file.path!r}: size, SHA-256 or rights make no sense")
    return file
