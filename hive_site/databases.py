"""How the Nexus, the Foreman and commands reach their database."""

from typing import Any

import dj_database_url
from django.core.exceptions import ImproperlyConfigured

ENGINES = {"django.db.backends.sqlite3", "django.db.backends.postgresql"}
RULE = "give sqlite:///path or postgres://user:password@host/name"
SQLITE_OPTIONS = {
    "transaction_mode": "IMMEDIATE",
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    "timeout": 20,
}
#: A server that lost its power sends no end: without these, whoever waits for it would wait for
#: as long as the kernel likes, which is hours. https://www.postgresql.org/docs/current/libpq-connect.html
POSTGRESQL_OPTIONS = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,
}
#: What a URL may say besides to Django itself, and not to libpq.
OF_DJANGO = {"assume_role", "isolation_level", "prepare_threshold", "server_side_binding"}
#: How long a request waits for a connection before it is told to come again later.
POOL_PATIENCE_SECONDS = 5


def read_database(url: str, *, pool: int = 20, name: str = "hive") -> dict[str, Any]:
    """Django's database settings for `url`; SQLite gets WAL and one writer at a time.

    A process holds at most `pool` connections to PostgreSQL, which knows it by `name`; 0: as many
    as it has requests, for a pooler like PgBouncer between. Raises `ImproperlyConfigured`.
    """
    database = _parse(url)
    if database["ENGINE"] == "django.db.backends.sqlite3":
        return {**database, "OPTIONS": SQLITE_OPTIONS}
    options = {"application_name": name, **POSTGRESQL_OPTIONS, **database.get("OPTIONS", {})}
    _require_known(options)
    if pool:
        # Requests at once share these, and wait for one; each process has a pool of its own.
        options["pool"] = {"min_size": 1, "max_size": pool, "timeout": POOL_PATIENCE_SECONDS}
    # Between two statements of a session a pooler may give its server to somebody else.
    return {**database, "OPTIONS": options, "DISABLE_SERVER_SIDE_CURSORS": not pool}


def _parse(url: str) -> dict[str, Any]:
    try:
        # Under ASGI each request has a thread of its own: a connection that was kept would be
        # nobody's, and the server would run out of them.
        database = dict(dj_database_url.parse(url, conn_max_age=0, conn_health_checks=True))
    except (dj_database_url.UnknownSchemeError, dj_database_url.ParseError, ValueError):
        database = {}
    if database.get("ENGINE") not in ENGINES or not database.get("NAME"):
        # Not its value: there may be a password in it.
        raise ImproperlyConfigured(f"DATABASE_URL: {RULE}")
    return database


def _require_known(options: dict[str, Any]) -> None:
    """Raises `ImproperlyConfigured` if libpq knows one of them not, rather than at each request."""
    # Not above: with SQLite there may be no libpq.
    import psycopg
    from psycopg.conninfo import make_conninfo

    try:
        make_conninfo(**{name: options[name] for name in options.keys() - OF_DJANGO})
    except psycopg.ProgrammingError as error:
        raise ImproperlyConfigured(f"DATABASE_URL: {error}; after a ? stand libpq's") from error
