"""Makes a backup of the Nexus that is set, which may go on running meanwhile."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from django.conf import settings
from django.core.files.storage import FileSystemStorage
from django.db import connection

from hive_site.backups.archive import Writer, files_of
from hive_site.backups.databases import applied_migrations, copy_database
from hive_site.backups.manifest import DATABASES, Manifest
from hive_site.configuration import project_version
from hive_site.kernel.env import Env
from hive_site.kernel.errors import Conflict
from jobs.blobs import storage
from ota.storage import locked
from ota.trust.nexus import open_repository

#: Given in the environment, they lie in no directory of ours.
SECRETS = ("SECRET_KEY", "HIVE_FLEET_KEY", "HIVE_WEBHOOK_SECRET")
#: What can be published anew from where it was built.
PACKAGES = ("ota/packages/", "ota/wheels/")
#: Copies of the database that are under way.
SCRATCH = ".backup-"


def write_backup(target: BinaryIO, *, now: datetime, packages: bool = True) -> Manifest:
    """Write a backup; what it says of itself. Raises `HiveError`, `OSError`."""
    data: Path = settings.HIVE.data
    if not applied_migrations():
        raise Conflict(f"there is no Hive yet whose data are in {data}; is --data right?")
    # Nobody publishes or forgets a package meanwhile, or it would be in the database alone.
    with locked(), _scratch(data) as scratch, Writer(target, now) as writer:
        copy = copy_database(scratch)
        applied = applied_migrations()
        signed = _read_signed(data)
        writer.add(copy.name, copy)
        for name, content in signed.items():
            writer.add_bytes(name, content)
        gone = _add_files(writer, data, packages=packages)
        manifest = Manifest(
            version=project_version(),
            created_at=now,
            database=connection.vendor,
            migrations=applied,
            files=writer.files,
            notes=tuple(_notes(packages=packages, gone=gone)),
        )
        writer.finish(manifest)
    return manifest


def database_of(manifest: Manifest, folder: Path) -> Path:
    """Where the database of an unpacked backup lies."""
    return folder / DATABASES[manifest.database]


def _add_files(writer: Writer, data: Path, *, packages: bool) -> int:
    """Everything that is not in it yet; how many files were deleted while we came to them."""
    gone = 0
    for name, path in files_of(data, _folders()):
        if name in writer.files or (name.startswith(PACKAGES) and not packages):
            continue
        try:
            writer.add(name, path)
        except FileNotFoundError:
            gone += 1
    return gone


def _read_signed(data: Path) -> dict[str, bytes]:
    """Metadata and the Nexus's keys, as of one moment."""
    with open_repository().at_rest():
        names = ("ota/metadata", "secrets/ota")
        return {name: path.read_bytes() for name, path in files_of(data, names)}


def _folders() -> tuple[str, ...]:
    return ("secrets", "ota", "blobs") if _keeps_blobs() else ("secrets", "ota")


def _keeps_blobs() -> bool:
    """Whether large values lie in the data directory."""
    shelf = storage()
    own = settings.HIVE.data / "blobs"
    return isinstance(shelf, FileSystemStorage) and Path(shelf.location) == own


def _notes(*, packages: bool, gone: int) -> Iterator[str]:
    for name in SECRETS:
        if Env().text(name):
            yield f"{name} is set in the environment: keep it where you keep that"
    if not packages:
        yield "without packages: publish again what nodes shall still get"
    if not _keeps_blobs():
        yield "large values lie in a storage of yours (hive_blobs): back that up too"
    if gone:
        yield f"{gone} files were deleted while it was made, because their time was over"


@contextmanager
def _scratch(data: Path) -> Iterator[Path]:
    """A directory beside the data, which goes at the end: a database may be large. Those that a
    kill left go, too: whoever is here has the lock, so nobody works there any more."""
    for left in data.glob(f"{SCRATCH}*"):
        shutil.rmtree(left, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=SCRATCH, dir=data))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
