"""How the figures were taken: versions, machine, and how quiet it was."""

import os
import platform
from importlib.metadata import version
from typing import Any

import psutil
from redis import Redis

LISTEN_SECONDS = 1.0
PACKAGES = ("Django", "rq", "redis", "hiredis")


def weather() -> dict[str, Any]:
    """How busy the machine is before anything of ours runs."""
    return {
        "cpu_used_by_others_percent": psutil.cpu_percent(LISTEN_SECONDS),
        "load_average": round(os.getloadavg()[0], 2),
    }


def describe_method(redis: Redis, *, workers: int, repeats: int, quick: bool) -> dict[str, Any]:
    """Everything that somebody needs to take the same figures again."""
    return {
        "workers": workers,
        "repeats": repeats,
        "quick": quick,
        "python": platform.python_version(),
        "packages": {name: version(name) for name in PACKAGES},
        "redis": f"{redis.info('server')['redis_version']}, append-only file synced every second",
        "database": _database(),
        "machine": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
    }


def _database() -> str:
    from django.db import connection

    connection.ensure_connection()
    numbers = ".".join(map(str, connection.get_database_version()))
    return f"{connection.display_name} {numbers}"
