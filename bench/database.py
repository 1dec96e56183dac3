"""A database for one run: never the one that holds somebody's work."""

import contextlib
import secrets
from collections.abc import Iterator
from urllib.parse import urlsplit, urlunsplit


@contextlib.contextmanager
def borrow_database(url: str) -> Iterator[str]:
    """The address of an empty database on the server of `url`; it is dropped at the end.

    Empty for SQLite, whose file goes into the run's own directory.
    """
    if not url.startswith(("postgres://", "postgresql://")):
        yield ""
        return
    name = f"hive_bench_{secrets.token_hex(4)}"
    _tell_server(url, f'CREATE DATABASE "{name}"')
    try:
        yield urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
    finally:
        _tell_server(url, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def _tell_server(url: str, statement: str) -> None:
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)
