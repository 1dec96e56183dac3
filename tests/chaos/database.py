"""The database of one cluster, which the test process speaks to as any Nexus would."""

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from django.core.management import call_command
from django.db import connections

from hive_site.settings import read_database


@contextlib.contextmanager
def speaking_to(url: str) -> Iterator[None]:
    """Make this process's database another one for a while."""
    mine, settings = connections["default"], connections.settings["default"]
    configured = connections.configure_settings({"default": read_database(url)})
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
    """An SQLite database with its tables, made once and copied for each cluster."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "template.sqlite3"

    def copy(self, path: Path) -> str:
        """The URL of a fresh copy at `path`."""
        if not self._path.exists():
            migrate(f"sqlite:///{self._path}")
        shutil.copy(self._path, path)
        return f"sqlite:///{path}"


def backends() -> list[str]:
    """What tests of every database run on: SQLite, and PostgreSQL where DATABASE_URL names one."""
    given = os.environ.get("DATABASE_URL", "")
    return ["sqlite", *(["postgresql"] if given.startswith("postgres") else [])]
