"""Writes that are better left out than waited for."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

#: The Foreman's transactions are over by then, a backup or a forgotten shell is not.
PATIENCE_MILLISECONDS = 100


@contextmanager
def without_waiting() -> Iterator[None]:
    """Within it, a locked SQLite soon raises `OperationalError`; PostgreSQL locks rows only."""
    if connection.vendor != "sqlite":
        yield
        return
    with connection.cursor() as cursor:
        before = cursor.execute("PRAGMA busy_timeout").fetchone()[0]
        cursor.execute(f"PRAGMA busy_timeout = {PATIENCE_MILLISECONDS}")
        try:
            yield
        finally:
            cursor.execute(f"PRAGMA busy_timeout = {before:d}")
