"""Which tasks nodes can run. Nodes that run the same code share one list, named by its digest.

A heartbeat carries the digest, signed; the list lies in Redis, where anybody may write, and
counts only if it has that digest. What is in it a node that was taken over may have made up.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import structlog
from packaging.version import InvalidVersion, Version
from redis import Redis

from hive_site.kernel.outages import OUTAGES
from nodes import wire

log = structlog.get_logger()
LOADING: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class TaskList:
    """What one release can run, and what its nodes tell of each task; None from older agents."""

    digest: str
    release: str
    tasks: Mapping[str, Any] = field(hash=False)


Learn = Callable[[TaskList, datetime], object]


class Catalogue:
    """The lists of the nodes that are there; there are as many as releases."""

    def __init__(self, client: Redis) -> None:
        self._client = client
        self._known: dict[str, frozenset[str] | None] = {}
        self._news: dict[str, TaskList] = {}

    def learn(self, digests: Mapping[str, str]) -> None:
        """Read the lists that are not known yet; `digests` are those of the nodes, by release.

        One that no node has any more is forgotten: when it comes back, after a rollback, it is
        news once more. Raises `RedisError` while Redis is away.
        """
        for forgotten in self._known.keys() - digests.keys():
            del self._known[forgotten]
            self._news.pop(forgotten, None)
        new = sorted(digests.keys() - self._known.keys() - {""})
        if new:
            pipe = self._client.pipeline(transaction=False)
            for digest in new:
                # Whatever somebody left there: a longer one has another digest.
                pipe.getrange(wire.tasks_key(digest), 0, wire.PIECE_BYTES)
            for digest, text in zip(new, pipe.execute(), strict=True):
                if text and wire.digest_tasks(text) == digest:
                    self._take(digest, digests[digest], text)

    def tasks(self, digest: str | None) -> frozenset[str] | None:
        """The tasks of a node that says so: none while it loads them, None if nobody knows."""
        return LOADING if digest == "" else self._known.get(digest) if digest else None

    def teach(self, learn: Learn, now: datetime) -> None:
        """Hand one new list over, the oldest release first: the newest has the last word.

        During an outage it stays new. If `learn` breaks because of it, it is not tried again.
        """
        if not self._news:
            return
        news = self._news.pop(min(self._news, key=self._age))
        try:
            learn(news, now)
        except OUTAGES:
            self._news[news.digest] = news
            raise

    def _take(self, digest: str, release: str, text: bytes) -> None:
        try:
            if len(text) > wire.PIECE_BYTES:
                raise ValueError(f"it has {len(text):,} bytes")
            tasks = wire.read_tasks(text)
        except ValueError as error:
            # Known as unknown, so that it is not read and refused once a second.
            self._known[digest] = None
            log.warning("tasks.unreadable", digest=digest, release=release, reason=str(error))
            return
        self._known[digest] = frozenset(tasks)
        self._news[digest] = TaskList(digest, release, tasks)

    def _age(self, digest: str) -> tuple[bool, Version, str]:
        try:
            return True, Version(self._news[digest].release), digest
        except InvalidVersion:
            return False, Version("0"), digest
