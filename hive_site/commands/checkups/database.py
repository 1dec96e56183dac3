"""The database: reachable, migrated, and set for several processes at once."""

from collections.abc import Iterator

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from hive_site.commands.checkups.finding import Finding, bad, ok, warn


def check_database() -> Iterator[Finding]:
    """Everything about the database; one finding only if it is away."""
    try:
        connection.ensure_connection()
        yield ok("Database", f"{connection.vendor} answers")
        yield check_migrations()
        if connection.vendor == "sqlite":
            yield check_journal()
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


def check_journal() -> Finding:
    """Whether SQLite lets readers go on while someone writes."""
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA journal_mode")
        mode = str(cursor.fetchone()[0])
    if mode not in {"wal", "memory"}:
        mend = "keep the file on a local disk: WAL does not work on network file systems"
        return warn("SQLite journal", mode, mend)
    return ok("SQLite journal", mode)
