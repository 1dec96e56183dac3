"""`hive restore`: what a backup holds, back in a data directory, so that `hive up` finds it all."""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from hive_site.commands.answers import answer
from hive_site.kernel.errors import Conflict, HiveError, Invalid

if TYPE_CHECKING:
    from hive_site.backups.manifest import Manifest

HELP = "put a backup into a data directory"
STDIN = "-"
#: Nobody listens there: what is restored talks to no Redis before it is in its place.
NOWHERE = "redis://127.0.0.1:1/0"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What, and whether over what is there."""
    parser.add_argument("file", metavar="FILE", help="what `hive backup` wrote; - for a pipe")
    parser.add_argument(
        "--force", action="store_true", help="move what the directory holds aside, and keep it"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: dict[str, Any]) -> int:
    """Restore it; what it was, and what people should know."""
    from django.conf import settings
    from django.utils import timezone

    from hive_site.backups.moving import finish
    from hive_site.occupied import alone, is_half_restored
    from hive_site.stack.files import DataLock

    data, lock = settings.HIVE.data, DataLock(settings.HIVE.data)
    lock.take()
    try:
        with alone(data):
            if is_half_restored(data):
                finish(data)
                raise Conflict(f"an earlier restore into {data} had broken off; it is finished now")
            with _opened(options["file"]) as source:
                restored = restore(source, data, force=options["force"], now=timezone.now())
    finally:
        lock.release()
    if options["json"]:
        answer(restored)
    else:
        tell(restored)
    return 0


def restore(source: BinaryIO, data: Path, *, force: bool, now: datetime) -> dict[str, Any]:
    """Unpack, prove, settle, and then put it in place. Raises `HiveError`; nothing changed then."""
    from hive_site.backups.moving import (
        check_movable,
        clear_staging,
        hand_over,
        is_fresh,
        move_in,
    )
    from hive_site.commands.backup import describe

    fresh = is_fresh(data)
    if not (fresh or force):
        way = "give an empty --data, or --force to move that aside"
        raise Conflict(f"{data} holds a Hive; {way}")
    check_movable(data)
    staging = clear_staging(data)
    try:
        manifest = _unpack(source, staging)
        notes = _settle(manifest, staging)
    except BaseException:
        clear_staging(data).rmdir()
        raise
    old = move_in(data, keep_old=not fresh, now=now)
    hand_over(data)
    return describe(manifest, data=str(data), old=old and str(old), to_know=notes)


def _unpack(source: BinaryIO, staging: Path) -> "Manifest":
    """The files of a backup that fits this version and this database, and the database itself."""
    from hive_site.backups.archive import unpack
    from hive_site.backups.databases import check_sqlite, load_dump
    from hive_site.backups.making import database_of
    from hive_site.backups.manifest import NoBackup
    from hive_site.configuration import SQLITE_FILE

    try:
        manifest = unpack(source, staging)
    except NoBackup as fact:
        raise Invalid(f"this is no whole backup: {fact}", field="file") from fact
    _require_fit(manifest, staging.parent)
    database = database_of(manifest, staging)
    if manifest.database == "sqlite":
        check_sqlite(database)
        database.rename(staging / SQLITE_FILE)
    else:
        load_dump(database)
        database.unlink()
    return manifest


def _require_fit(manifest: "Manifest", data: Path) -> None:
    """Nothing if this version and this database can take it. Raises `Invalid`, `Conflict`."""
    from django.db import connection

    from hive_site.backups.databases import known_migrations

    if manifest.database != connection.vendor:
        way = "DATABASE_URL says which; none is SQLite"
        raise Invalid(f"it is of {manifest.database}, this is {connection.vendor}; {way}")
    if manifest.database == "sqlite" and not _lies_in(data):
        raise Invalid(
            "DATABASE_URL names another file than the one in the data directory; unset it"
        )
    if unknown := manifest.unknown(known_migrations()):
        way = f"restore with {manifest.version} or newer, and the same HIVE_APPS"
        raise Conflict(f"its database knows {unknown[0]}, which this version does not; {way}")


def _settle(manifest: "Manifest", staging: Path) -> list[str]:
    """Bring it up to this version and to this time: by a child, whose data are those."""
    from hive_site.stack.recipes import MANAGE

    env = {k: v for k, v in os.environ.items() if not k.startswith("REDIS_")}
    env |= {"HIVE_DATA_DIR": str(staging), "REDIS_URL": NOWHERE}
    if manifest.database == "sqlite":
        env |= {"DATABASE_URL": "", "DATABASE_URL_FILE": ""}
    made_at = manifest.created_at.isoformat()
    done = subprocess.run(
        [sys.executable, MANAGE, "hive", "settle", made_at],
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        said = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        raise HiveError(f"what the backup holds does not start: {said}")
    notes: list[str] = json.loads(done.stdout)["to_know"]
    return notes


def _lies_in(data: Path) -> bool:
    """Whether the SQLite database that is set is the one in the data directory."""
    from django.conf import settings

    from hive_site.configuration import SQLITE_FILE

    return Path(settings.DATABASES["default"]["NAME"]) == data / SQLITE_FILE


def tell(restored: dict[str, Any]) -> None:
    """For people."""
    print(f"Restored into {restored['data']}: {restored['files']} files of {_moment(restored)}.")
    if restored["old"]:
        print(f"What was there lies in {restored['old']}.")
    for note in (*restored["notes"], *restored["to_know"]):
        print(f"· {note}")
    print(
        "Whatever was revoked since then counts again: keys, people, nodes."
        "\nStart it: `hive up` on the directory, or the services."
    )


def _moment(restored: dict[str, Any]) -> str:
    return f"{datetime.fromisoformat(restored['created_at']):%Y-%m-%d %H:%M:%S} UTC"


@contextmanager
def _opened(name: str) -> Iterator[BinaryIO]:
    if name == STDIN:
        yield sys.stdin.buffer
        return
    with ExitStack() as stack:
        try:
            file = stack.enter_context(Path(name).open("rb"))
        except OSError as error:
            rule = "give what `hive backup` wrote"
            raise Invalid(f"{name}: {error.strerror}; {rule}", field="file") from error
        yield file
