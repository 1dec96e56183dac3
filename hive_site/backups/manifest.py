"""What a backup says of itself: by which version, when, and the SHA-256 of every file. Pure."""

import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any

FORMAT = 1
#: The last member of the archive: who has it has all of it.
NAME = "manifest.json"
#: The database, by its vendor.
DATABASES = {"sqlite": "database.sqlite3", "postgresql": "database.dump"}
#: Directories of a data directory that go into a backup, with everything below.
FOLDERS = ("secrets", "ota", "blobs")
MAX_NAME_CHARS = 400


class NoBackup(ValueError):
    """What was read is no whole backup; the message says why."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One file: how long it is, in bytes, and its SHA-256."""

    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """All that is known of a backup without its files."""

    version: str
    created_at: datetime
    database: str
    #: Applied to the database, by app.
    migrations: Mapping[str, list[str]]
    files: Mapping[str, Entry]
    #: What is not in it, for people.
    notes: tuple[str, ...] = ()

    def write(self) -> bytes:
        """It as JSON."""
        body = {**asdict(self), "created_at": self.created_at.isoformat(), "format": FORMAT}
        return json.dumps(body, indent=1, sort_keys=True).encode() + b"\n"

    @classmethod
    def read(cls, data: bytes) -> "Manifest":
        """The manifest that these bytes are. Raises `NoBackup`."""
        try:
            body = json.loads(data)
            if body["format"] != FORMAT:
                raise NoBackup(f"its format is {body['format']!r}, and {FORMAT} is known here")
            return cls._read(body)
        except (KeyError, TypeError, AttributeError, RecursionError) as fact:
            raise NoBackup(f"its manifest makes no sense: {fact!r}") from fact
        except NoBackup:
            raise
        except ValueError as fact:
            raise NoBackup(f"its manifest makes no sense: {fact}") from fact

    @classmethod
    def _read(cls, body: Mapping[str, Any]) -> "Manifest":
        if body["database"] not in DATABASES:
            raise NoBackup(f"it holds a database of {body['database']!r}")
        created_at = datetime.fromisoformat(body["created_at"])
        if created_at.tzinfo is None:
            raise NoBackup("its date has no time zone")
        files = {str(k): Entry(int(v["size"]), str(v["sha256"])) for k, v in body["files"].items()}
        return cls(
            version=str(body["version"]),
            created_at=created_at,
            database=body["database"],
            migrations={str(k): [str(n) for n in v] for k, v in body["migrations"].items()},
            files=files,
            notes=tuple(str(note) for note in body["notes"]),
        )

    def compare(self, found: Mapping[str, Entry]) -> None:
        """Nothing if these are its files, all of them. Raises `NoBackup`."""
        for name in sorted(self.files.keys() | found.keys()):
            wanted, there = self.files.get(name), found.get(name)
            if wanted is None or there is None:
                where = "in its manifest" if wanted is None else "there"
                raise NoBackup(f"{name} is not {where}")
            if wanted != there:
                raise NoBackup(f"{name} is damaged: its SHA-256 is not what was backed up")
        if DATABASES[self.database] not in found:
            raise NoBackup("it holds no database")

    def unknown(self, known: Collection[tuple[str, str]]) -> list[str]:
        """The migrations that its database went through and that are not among these."""
        mine = ((app, name) for app, names in self.migrations.items() for name in names)
        return sorted(f"{app}.{name}" for app, name in mine if (app, name) not in known)


def check_name(name: str) -> PurePosixPath:
    """The path of a file in a backup. Raises `NoBackup` for one that has no place there."""
    path = PurePosixPath(name)
    odd = len(name) > MAX_NAME_CHARS or not name.isprintable() or str(path) != name
    if odd or path.is_absolute() or ".." in path.parts or "\\" in name:
        raise NoBackup(f"{name[:80]!r} is no name of a file in a backup")
    if name not in DATABASES.values() and (len(path.parts) < 2 or path.parts[0] not in FOLDERS):
        raise NoBackup(f"{name[:80]!r} has no place in a backup")
    return path
