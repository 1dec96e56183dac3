"""How the figures were taken: versions, machine, and how quiet it was."""

import os
import platform
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil
from redis import Redis

from bench.environments import read_pins
from bench.peers.roster import Peer

LISTEN_SECONDS = 1.0
PACKAGES = ("Django", "rq", "redis", "hiredis")
CPU_INFO = Path("/proc/cpuinfo")


def weather() -> dict[str, Any]:
    """How busy the machine is before anything of ours runs."""
    return {
        "cpu_used_by_others_percent": psutil.cpu_percent(LISTEN_SECONDS),
        "load_average": round(os.getloadavg()[0], 2),
    }


def describe_method(
    redis: Redis, peers: Iterable[Peer], *, workers: int, repeats: int, quick: bool
) -> dict[str, Any]:
    """Everything that somebody needs to take the same figures again."""
    return {
        "workers": workers,
        "repeats": repeats,
        "quick": quick,
        "python": platform.python_version(),
        "packages": {name: version(name) for name in PACKAGES},
        "peers": {
            peer.distribution: read_pins(peer.environment)[peer.distribution] for peer in peers
        },
        "redis": f"{redis.info('server')['redis_version']}, append-only file synced every second",
        "database": _database(),
        "machine": f"{platform.system()} {platform.machine()}, {_processor()}",
        "cores": os.cpu_count(),
    }


def _processor() -> str:
    """The model of the processor, where the system tells it."""
    lines = CPU_INFO.read_text().splitlines() if CPU_INFO.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or "unknown processor"


def _database() -> str:
    from django.db import connection

    connection.ensure_connection()
    numbers = ".".join(map(str, connection.get_database_version()))
    return f"{connection.display_name} {numbers}"
