"""How Redis is: its memory, its connections, and how fast it answers."""

from contextlib import suppress
from time import perf_counter
from typing import Any

from redis import Redis
from redis.exceptions import ResponseError

EVERY_SECONDS = 5.0
#: What of it is told.
FIGURES = (
    *("used_memory", "maxmemory", "connected_clients", "blocked_clients"),
    *("evicted_keys", "rejected_connections", "total_commands_processed"),
)
GOOD = "ok"
#: Redis says so if the last write of what it keeps on disk failed: soon it refuses others.
STATUSES = ("rdb_last_bgsave_status", "aof_last_write_status")


class RedisGauges:
    """One Foreman's; looks every few seconds, and tells what it saw last."""

    def __init__(self, client: Redis) -> None:
        self._client = client
        self._seen: dict[str, Any] = {}
        self._at = 0.0

    def read(self, now: float) -> dict[str, Any]:
        """The figures; none of a server that does not tell them. Raises `RedisError`."""
        if not 0 <= now - self._at < EVERY_SECONDS:
            self._at, self._seen = now, self._look()
        return self._seen

    def _look(self) -> dict[str, Any]:
        begun, told = perf_counter(), {}
        with suppress(ResponseError):  # a user who may not ask
            told = self._client.info() or {}
        seconds = round(perf_counter() - begun, 6)
        figures = {name: told[name] for name in FIGURES if name in told}
        failing = any(told.get(name, GOOD) != GOOD for name in STATUSES)
        return {**figures, "answer_seconds": seconds, "write_failed": failing}
