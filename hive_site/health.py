"""Whether this process lives, and whether it can serve."""

from django.db import DatabaseError, InterfaceError, connection
from django.http import HttpRequest, JsonResponse

from hive_site.kernel.redis import RedisError
from nodes.inbox import ask


def alive() -> JsonResponse:
    """200 as long as the process answers at all."""
    return JsonResponse({"status": "ok"})


def livez(request: HttpRequest) -> JsonResponse:
    """The same where no gate stands before the site."""
    return alive()


def readyz(request: HttpRequest) -> JsonResponse:
    """200 if requests can be served. Redis may be away: submissions are taken without it."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM nodes_lease")
        database = "ok"
    except (DatabaseError, InterfaceError):
        database = "away"
    try:
        ask(lambda redis: redis.ping())
        redis = "ok"
    except (RedisError, OSError):
        redis = "away"
    ready = database == "ok"
    return JsonResponse(
        {"status": "ok" if ready else "unavailable", "database": database, "redis": redis},
        status=200 if ready else 503,
        headers={} if ready else {"Retry-After": "5"},
    )
