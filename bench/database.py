"""A database for one run: never the one that holds somebody's work."""

import contextlib
import secrets
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit, urlunsplit


def tell_server(url: str, statement: str) -> None:
    """Run one statement on the PostgreSQL server of `url`."""
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)


@contextlib.contextmanager
def borrow_database(
    url: str, *, template: str = "", tell: Callable[[str, str], None] = tell_server
) -> Iterator[str]:
    """The address of a database on the server of `url`; it is dropped at the end.

    Empty, or a copy of the database `template`, to which nobody may be connected.

    No address for SQLite, whose file goes into the run's own directory.
    """
    if not url.startswith(("postgres://", "postgresql://")):
        yield ""
        return
    name = f"hive_bench_{secrets.token_hex(4)}"
    tell(url, f'CREATE DATABASE "{name}"' + (f' TEMPLATE "{template}"' if template else ""))
    try:
        yield urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
    finally:
        tell(url, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
