"""Databases for Hives of tests: SQLite's, or PostgreSQL's where DATABASE_URL names a server."""

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from django.core.management import call_command
from django.db import connections

from bench.database import borrow_database
from hive_site.databases import read_database

#: The server on which every Hive gets a database of its own; empty for SQLite.
SERVER = url if (url := os.environ.get("DATABASE_URL", "")).startswith("postgres") else ""


@contextlib.contextmanager
def own_database() -> Iterator[dict[str, str]]:
    """What gives an environment a database to itself, which goes afterwards.

    Nothing for SQLite, whose file lies in the Hive's own directory.
    """
    with borrow_database(SERVER) as url:
        yield {"DATABASE_URL": url} if url else {}


@contextlib.contextmanager
def speaking_to(url: str) -> Iterator[None]:
    """Make this process's database another one for a while."""
    mine, settings = connections["default"], connections.settings["default"]
    # Without a pool: Django keeps those by alias, and would give out connections to the old one.
    configured = connections.configure_settings({"default": read_database(url, pool=0)})
    connections.settings["default"] = configured["default"]
    connections["default"] = connections.create_connection("default")
    try:
        yield
    finally:
        connections["default"].close()
        connections.settings["default"] = settings
        connections["default"] = mine


def migrate(url: str) -> None:
    """Make the tables."""
    with speaking_to(url):
        call_command("migrate", interactive=False, verbosity=0)


class Template:
    """A database with its tables, made once and copied for each cluster."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "template.sqlite3"
        self._url = ""
        self._leave = contextlib.ExitStack()

    @contextlib.contextmanager
    def copy(self, path: Path) -> Iterator[str]:
        """The URL of a fresh copy; of SQLite's, at `path`."""
        if not self._url:
            url = self._leave.enter_context(borrow_database(SERVER)) or f"sqlite:///{self._path}"
            migrate(url)
            self._url = url
        if not SERVER:
            shutil.copy(self._path, path)
            yield f"sqlite:///{path}"
            return
        with borrow_database(SERVER, template=urlsplit(self._url).path[1:]) as url:
            yield url

    def drop(self) -> None:
        """Nobody needs it any more."""
        self._leave.close()
