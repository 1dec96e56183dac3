"""Wake-ups for the Foreman. Losing one costs seconds, never work: the database is the truth."""

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


def ring(what: str, subject: str = "") -> bool:
    """Tell the Foreman that something about `subject` changed; False if Redis is away.

    What: "job" (new or changed), "again" (something of it is ready once more), "cancel",
    "node" (its intent or wishes), "queue", "schedule", "limits" (of a task).
    """
    try:
        shared_client().xadd(
            wire.INBOX, {"what": what, "subject": subject}, maxlen=KEPT, approximate=True
        )
    except (RedisError, OSError) as error:
        log.warning("inbox.away", what=what, subject=subject, error=str(error))
        return False
    return True
