"""The database: reachable, migrated, and set for several processes at once."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from psutil import disk_partitions

from hive_site.commands.checkups.finding import Finding, bad, ok, warn

OLDEST_POSTGRESQL = 14
#: Where locks and shared memory of SQLite do not hold.
NETWORKED = ("nfs", "cifs", "smb", "fuse.sshfs", "9p", "ceph", "glusterfs", "lustre", "afs")
#: A Nexus, the Foreman that leads and one that stands by; each has a pool of its own.
PROCESSES = 3
CROWDED = 0.8


class Mounted(Protocol):
    """A file system: where it is, and of which kind."""

    mountpoint: str
    fstype: str


def check_database() -> Iterator[Finding]:
    """Everything about the database; one finding only if it is away."""
    try:
        connection.ensure_connection()
        yield ok("Database", f"{connection.vendor} answers")
        yield check_migrations()
        if connection.vendor == "sqlite":
            yield check_journal(read_journal())
            yield check_place(
                Path(str(connection.settings_dict["NAME"])), disk_partitions(all=True)
            )
        else:
            yield from _check_server()
    except DatabaseError as error:
        mend = "look at DATABASE_URL; `hive up` makes a SQLite file in the data directory"
        yield bad("Database", str(error).strip(), mend)


def check_migrations() -> Finding:
    """Whether the tables are those of this version."""
    executor = MigrationExecutor(connection)
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if missing:
        found = f"{len(missing)} not applied, first {missing[0][0]}"
        return bad("Migrations", found, "python manage.py migrate (or `hive up`)")
    return ok("Migrations", "all applied")


def read_journal() -> str:
    """How SQLite keeps what is being written."""
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA journal_mode")
        return str(cursor.fetchone()[0])


def check_journal(mode: str) -> Finding:
    """Whether SQLite lets readers go on while someone writes."""
    if mode not in {"wal", "memory"}:
        mend = "keep the file on a local disk: WAL does not work on network file systems"
        return warn("SQLite journal", mode, mend)
    return ok("SQLite journal", mode)


def check_place(file: Path, mounted: Iterable[Mounted]) -> Finding:
    """Whether the file lies on a disk of this machine."""
    above = [each for each in mounted if file.absolute().is_relative_to(each.mountpoint)]
    kind = max(above, key=lambda each: len(each.mountpoint)).fstype if above else ""
    if kind.startswith(NETWORKED):
        mend = "keep it on a local disk, or use PostgreSQL: locks do not hold across a network"
        return bad("SQLite place", f"{file} is on {kind}", mend)
    return ok("SQLite place", f"{file} ({kind or 'unknown file system'})")


def check_postgresql(version: int) -> Finding:
    """Whether Django can use this server."""
    if version // 10000 < OLDEST_POSTGRESQL:
        mend = f"use PostgreSQL {OLDEST_POSTGRESQL} or newer"
        return bad("PostgreSQL", str(version // 10000), mend)
    return ok("PostgreSQL", f"{version // 10000}.{version % 10000}")


def check_connections(*, pool: int, most: int, used: int) -> Finding:
    """Whether the server lets in as many as come."""
    found = f"{used} of {most} in use; a process takes {pool} at most"
    mend = "raise max_connections, or lower the pool of each process"
    if used >= CROWDED * most:
        return bad("Connections", found, mend)
    if PROCESSES * pool > most:
        return warn("Connections", f"{found}, and {PROCESSES} of them more than all", mend)
    return ok("Connections", found)


def _check_server() -> Iterator[Finding]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('server_version_num')::int")
        yield check_postgresql(cursor.fetchone()[0])
        cursor.execute(
            "SELECT current_setting('max_connections')::int"
            " - current_setting('superuser_reserved_connections')::int,"
            " (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend')"
        )
        most, used = cursor.fetchone()
    pool = connection.settings_dict["OPTIONS"].get("pool") or {}
    size = int(pool.get("max_size", 1)) if isinstance(pool, dict) else 1
    yield check_connections(pool=size, most=most, used=used)
