"""Wake-ups for the Foreman. Losing one costs seconds, never work: the database is the truth."""

import json

import structlog
from django.conf import settings
from redis import Redis

from hive_site.kernel.redis import RedisError, connect
from nodes import wire

log = structlog.get_logger()
KEPT = 10_000

_client: Redis | None = None
_hurried: Redis | None = None


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
        pipe = shared_client().pipeline(transaction=False)
        for subject in subjects or ("",):
            hint = {"what": what, "subject": subject}
            pipe.xadd(wire.INBOX, hint, maxlen=KEPT, approximate=True)
        pipe.execute()
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
