"""Wake-ups for the Foreman. Losing one costs seconds, never work: the database is the truth."""

import json
import time
from collections.abc import Callable
from typing import TypeVar

import structlog
from django.conf import settings
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from hive_site.kernel.redis import RedisError, connect
from nodes import wire

log = structlog.get_logger()
KEPT = 10_000
#: Whoever is in a hurry does not ask a Redis again that kept somebody waiting so lately.
HUNG_SECONDS = 5.0

R = TypeVar("R")
_client: Redis | None = None
_hurried: Redis | None = None
#: Until when nobody asks, on the monotonic clock.
_hung_until = 0.0


def shared_client() -> Redis:
    """The process's Redis client for what is safe to send twice."""
    global _client
    if _client is None:
        _client = connect(settings.REDIS_URL, name="hive-nexus", patient=True)
    return _client


def hurried_client() -> Redis:
    """The process's Redis client for what is better left out than waited for."""
    global _hurried
    if _hurried is None:
        _hurried = connect(settings.REDIS_URL, name="hive-nexus", hurried=True)
    return _hurried


def ask(question: Callable[[Redis], R]) -> R:
    """What Redis says to something that is safe to ask twice and better left out than waited for.

    Raises `RedisError` after two seconds, and then at once: a page has many questions.
    """
    global _hung_until
    if time.monotonic() < _hung_until:
        raise RedisTimeoutError("Redis did not answer")
    client = hurried_client()
    try:
        try:
            return question(client)
        except RedisConnectionError:
            # It may only be this connection that is cut, as all are by a restart.
            return question(client)
    except RedisTimeoutError:
        _hung_until = time.monotonic() + HUNG_SECONDS
        raise


def open_ear() -> Redis:
    """A client for blocking reads of one caller, who closes it."""
    return connect(settings.REDIS_URL, name="hive-nexus", blocking=True)


def ring(what: str, *subjects: str) -> bool:
    """Tell the Foreman that something about each of `subjects` changed; False if Redis is away.

    What: "job" (new or changed), "again" (something of it is ready once more), "cancel",
    "node" (its intent or wishes), "queue" (which needs no subject), "schedule", "limits" (of a
    task), "rollout".
    """
    try:
        client = shared_client()
        # A pipeline costs twice as much as a command.
        several = client.pipeline(transaction=False) if len(subjects) > 1 else None
        for subject in subjects or ("",):
            hint = {"what": what, "subject": subject}
            (several or client).xadd(wire.INBOX, hint, maxlen=KEPT, approximate=True)
        if several:
            several.execute()
    except (RedisError, OSError) as error:
        log.warning("inbox.away", what=what, subjects=subjects[:10], error=str(error))
        return False
    return True


def tell(*, jobs: list[str], ended: list[str]) -> None:
    """Wake whoever follows these jobs, and whoever waits for the end of those.

    They look by themselves too, a second later.
    """
    try:
        shared_client().publish(wire.CHANGED, json.dumps({"jobs": jobs, "ended": ended}))
    except (RedisError, OSError) as error:
        log.warning("inbox.away", what="changed", error=str(error))
