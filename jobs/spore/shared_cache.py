"""Values shared by all nodes: small, in Redis, and no reason for a task to fail."""

import json
from collections.abc import Callable
from typing import Any

import structlog
from redis import Redis

from hive_site.kernel.errors import Invalid
from hive_site.kernel.redis import RedisError, key
from jobs.json_text import encode

log = structlog.get_logger()
CACHE_TTL_SECONDS = 86_400
#: What is longer belongs into a result, which travels by reference.
MAX_BYTES = 256 * 1024
MAX_NAME_CHARS = 200
LONGEST_SECONDS = 30 * CACHE_TTL_SECONDS


class SharedCache:
    """`ctx.cache`: JSON values by name, that may be gone at any time."""

    def __init__(self, client: Redis) -> None:
        self._client = client

    def get(self, name: str, default: Any = None) -> Any:
        """The value kept under `name`; `default` if there is none, or Redis is away."""
        place = _place(name)
        try:
            text = self._client.get(place)
            return default if text is None else json.loads(text)
        except (RedisError, OSError, ValueError) as error:
            log.warning("cache.away", name=name, error=str(error))
            return default

    def set(self, name: str, value: Any, ttl: float = CACHE_TTL_SECONDS) -> bool:
        """Keep a JSON value for `ttl` seconds; False if Redis is away.

        Raises `ValueError` for what is no JSON, longer than 256 KiB, or no time.
        """
        place, text = _place(name), _encode(name, value)
        if not 0 <= ttl <= LONGEST_SECONDS:  # NaN is in no range
            raise ValueError(f"ttl={ttl!r}: give seconds, 0 to {LONGEST_SECONDS}")
        try:
            self._client.set(place, text, px=max(int(ttl * 1000), 1))
        except (RedisError, OSError) as error:
            log.warning("cache.away", name=name, error=str(error))
            return False
        return True

    def get_or_set(self, name: str, make: Callable[[], Any], ttl: float = CACHE_TTL_SECONDS) -> Any:
        """The value kept under `name`, else what `make` returns, which is kept from now on."""
        missing = object()
        value = self.get(name, missing)
        if value is missing:
            value = make()
            self.set(name, value, ttl)
        return value


def _place(name: str) -> str:
    good = isinstance(name, str) and 0 < len(name) <= MAX_NAME_CHARS and name.isprintable()
    if not good:
        rule = f"give 1 to {MAX_NAME_CHARS} printable characters"
        raise ValueError(f"ctx.cache: {name!r:.80} is no name; {rule}")
    return key("cache", name)


def _encode(name: str, value: Any) -> bytes:
    try:
        data = encode(value, field=name).encode()
    except Invalid as error:
        raise ValueError(f"ctx.cache: the value of {name!r} {error}") from error
    if len(data) > MAX_BYTES:
        rule = f"{MAX_BYTES} are allowed: return it as a result instead"
        raise ValueError(f"ctx.cache: the value of {name!r} has {len(data)} bytes; {rule}")
    return data
