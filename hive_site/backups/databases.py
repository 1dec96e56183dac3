"""The database of the Nexus, copied while it is used, and put back."""

import contextlib
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from hive_site.backups.manifest import DATABASES
from hive_site.kernel.errors import Conflict, HiveError

#: What is asked of PostgreSQL's own programs; roles and rights are those of where it is restored.
DUMP = ("pg_dump", "--format=custom", "--no-owner", "--no-privileges")
RESTORE = (
    *("pg_restore", "--single-transaction", "--exit-on-error"),
    *("--no-owner", "--no-privileges"),
)


def copy_database(folder: Path) -> Path:
    """A copy as of one moment, in a directory. Who writes meanwhile goes on. Raises `HiveError`."""
    copy = folder / DATABASES[connection.vendor]
    copy.touch(mode=0o600)
    if connection.vendor == "sqlite":
        _copy_sqlite(str(connection.settings_dict["NAME"]), copy)
    else:
        _run_client(DUMP, "--file", str(copy))
    return copy


def load_dump(dump: Path) -> None:
    """Put what was dumped into the PostgreSQL database that is set, all of it or nothing.

    Raises `Conflict` if there is anything in it, `HiveError`.
    """
    tables = connection.introspection.table_names()
    if tables:
        way = "give DATABASE_URL of an empty one (createdb makes it)"
        reason = f"the database has {len(tables)} tables, {tables[0]} among them"
        raise Conflict(f"{reason}; {way}")
    _run_client(RESTORE, str(dump), dbname_flag="--dbname")


def check_sqlite(path: Path) -> None:
    """Nothing if the file is a whole SQLite database. Raises `HiveError`."""
    try:
        with contextlib.closing(sqlite3.connect(path)) as database:
            said = database.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.Error as fact:
        said = str(fact)
    if said != "ok":
        raise HiveError(f"the database in the backup is damaged: {said}")


def applied_migrations() -> dict[str, list[str]]:
    """What the database went through, by app."""
    applied: dict[str, list[str]] = {}
    for app, name in sorted(MigrationRecorder(connection).applied_migrations()):
        applied.setdefault(app, []).append(name)
    return applied


def known_migrations() -> set[tuple[str, str]]:
    """What this version could put a database through: app and name."""
    loader = MigrationLoader(None)
    replaced = {each for squashed in loader.replacements.values() for each in squashed.replaces}
    return {*loader.disk_migrations, *replaced}


def _copy_sqlite(source: str, copy: Path) -> None:
    address = Path(source).absolute().as_uri()
    # In one step: in several, it would begin anew whenever somebody writes.
    with (
        contextlib.closing(sqlite3.connect(f"{address}?mode=ro", uri=True)) as database,
        contextlib.closing(sqlite3.connect(copy)) as target,
    ):
        database.backup(target)
        # One file, without a log of writes beside it.
        target.execute("PRAGMA journal_mode=DELETE")


def _run_client(command: Sequence[str], *options: str, dbname_flag: str = "") -> None:
    program = shutil.which(command[0])
    if program is None:
        way = "install PostgreSQL's client (Debian: apt-get install postgresql-client)"
        raise HiveError(f"{command[0]} is not on the PATH; {way}")
    where, env = _address(connection.settings_dict)
    database = where.pop()
    named = [dbname_flag, database] if dbname_flag else [database]
    argv = [program, *command[1:], *where, *options]
    argv = [*argv[:1], *named, *argv[1:]] if dbname_flag else [*argv, *named]
    done = subprocess.run(
        argv, env={**os.environ, **env}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = next(iter(_complaints(done.stderr)), f"exit code {done.returncode}")
        raise HiveError(f"{command[0]} failed: {said}")


def _address(about: dict[str, Any]) -> tuple[list[str], Mapping[str, str]]:
    """Flags that say which database, its name last; and the variables that hold the secrets."""
    from django.db.backends.postgresql.client import DatabaseClient

    # A pool is Django's own; its client does not know it.
    options = {k: v for k, v in about.get("OPTIONS", {}).items() if k != "pool"}
    argv, env = DatabaseClient.settings_to_cmd_args_env({**about, "OPTIONS": options}, [])
    return list(argv[1:]), env or {}


def _complaints(text: str) -> Iterator[str]:
    for line in text.splitlines():
        if "error" in line.lower():
            yield line.strip()[:300]
