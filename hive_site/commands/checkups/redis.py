"""Redis: reachable, new enough, and set so that no work is evicted or forgotten."""

import json
import re
import time
from collections.abc import Iterator

from redis import Redis
from redis.exceptions import ResponseError

from hive_site.commands.checkups.finding import Finding, bad, ok, warn
from hive_site.kernel.redis import AWAY, RedisError, connect, safe_url
from nodes import wire

OLDEST = (6, 2)
SKEW_SECONDS = 1.0
FRESH_SECONDS = 5.0


def check_redis(url: str) -> Iterator[Finding]:
    """Everything about Redis; one finding only if it is away."""
    client = connect(url, name="hive-doctor")
    try:
        before = time.time()
        server, (seconds, micros) = client.info(), client.time()
        after = time.time()
        yield ok("Redis", f"answers at {safe_url(url)} in {(after - before) * 500:.1f} ms")
        yield check_version(str(server.get("redis_version", "")))
        yield check_clock(redis=seconds + micros / 1e6, here=(before + after) / 2)
        yield check_policy(setting(client, "maxmemory-policy") or server.get("maxmemory_policy"))
        yield check_append_only(bool(server.get("aof_enabled")))
        yield check_picture(client.get(wire.SNAPSHOT), now=seconds + micros / 1e6)
    except (*AWAY, RedisError) as error:
        mend = "`hive up` starts one; or set REDIS_URL to one that runs"
        yield bad("Redis", f"{safe_url(url)}: {error}", mend)
    finally:
        client.close()


def setting(client: Redis, name: str) -> str:
    """A setting of the server; empty where CONFIG is forbidden, as with most hosted ones."""
    try:
        answer = client.config_get(name)
    except ResponseError:
        return ""
    value = answer.get(name)
    return value.decode() if isinstance(value, bytes) else value or ""


def check_version(text: str) -> Finding:
    """6.2 brought what the Hive needs (LMOVE, streams' MINID)."""
    found = re.match(r"(\d+)\.(\d+)", text)
    if not found or tuple(map(int, found.groups())) < OLDEST:
        return bad("Redis version", text or "unknown", "use Redis 6.2 or newer")
    return ok("Redis version", text)


def check_clock(*, redis: float, here: float) -> Finding:
    """How far this machine's clock is from Redis's."""
    skew = here - redis
    found = f"{skew:+.3f} s against Redis"
    if abs(skew) > SKEW_SECONDS:
        return warn("Clock", found, "set the clocks with NTP: leases and dates rely on them")
    return ok("Clock", found)


def check_policy(policy: str | None) -> Finding:
    """Whether a full Redis says so instead of dropping work."""
    if policy != "noeviction":
        mend = "redis-cli CONFIG SET maxmemory-policy noeviction (and in its configuration file)"
        return bad("Redis eviction", policy or "unknown", mend)
    return ok("Redis eviction", policy)


def check_append_only(enabled: bool) -> Finding:
    """Whether Redis remembers over a restart."""
    if not enabled:
        mend = "redis-cli CONFIG SET appendonly yes; without it a restart sends running work again"
        return warn("Redis persistence", "append-only file off", mend)
    return ok("Redis persistence", "append-only file on")


def check_picture(text: bytes | str | None, *, now: float) -> Finding:
    """Whether a Foreman leads."""
    mend = "`hive up`, or start one: python manage.py foreman"
    if not text:
        return warn("Foreman", "none has led here within a minute", mend)
    picture = json.loads(text)
    age = max(now - picture["at"], 0.0)
    found = f"its picture of the cluster is {age:.1f} s old ({picture['nodes_online']} nodes)"
    return ok("Foreman", found) if age <= FRESH_SECONDS else warn("Foreman", found, mend)
