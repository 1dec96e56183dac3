"""Which tasks nodes can run. Nodes that run the same code share one list, named by its digest.

A heartbeat carries the digest, signed; the list lies in Redis, where anybody may write, and
counts only if it has that digest.
"""

import json

from redis import Redis

from nodes import wire

LOADING: frozenset[str] = frozenset()


class Catalogue:
    """Every list that was seen so far; there are as many as releases."""

    def __init__(self, client: Redis) -> None:
        self._client = client
        self._known: dict[str, frozenset[str]] = {"": LOADING}

    def learn(self, digests: set[str]) -> None:
        """Read the lists that are not known yet. Raises `RedisError` while Redis is away."""
        new = sorted(digests - self._known.keys())
        if new:
            for digest, text in zip(new, self._client.mget(map(wire.tasks_key, new)), strict=True):
                if text and wire.digest_tasks(text) == digest:
                    self._known[digest] = frozenset(json.loads(text))

    def tasks(self, digest: str | None) -> frozenset[str] | None:
        """The tasks of a node that says so: none while it loads them, None if nobody knows."""
        return None if digest is None else self._known.get(digest)
