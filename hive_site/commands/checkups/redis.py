"""Redis: reachable, new enough, and set so that no work is evicted or forgotten."""

import json
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from redis import Redis
from redis.exceptions import AuthenticationError, NoPermissionError, ResponseError

from hive_site.commands.checkups.addresses import is_here, is_public
from hive_site.commands.checkups.finding import Finding, bad, ok, warn
from hive_site.commands.checkups.machine import check_disk, free_bytes
from hive_site.kernel.redis import AWAY, RedisError, connect, key, safe_url
from nodes import wire
from nodes.spore.outage import WAY_OUT

OLDEST = (6, 2)
SKEW_SECONDS = 1.0
FRESH_SECONDS = 5.0
REFUSED_HERE = "set REDIS_URL (or REDIS_PASSWORD) to the user and password that this Redis knows"
RATHER_FULL, ALMOST_FULL = 0.75, 0.95
#: One of each kind, harmless: scripts, streams, queues, messages, what is known of the server.
PROBES: tuple[tuple[str | int, ...], ...] = (
    ("EVAL", "return 1", 0),
    ("XLEN", key("doctor")),
    ("EXISTS", "rq:queues"),
    ("PUBLISH", key("doctor"), ""),
    ("CLIENT", "INFO"),
    ("DEL", key("doctor")),
)


def check_redis(url: str, *, own: bool, node: bool = False) -> Iterator[Finding]:
    """Everything about Redis; one finding only if it is away.

    `own` if it is the one of `hive up`, `node` if this machine has a Spore and nothing else: then
    it may ask for little.
    """
    client = connect(url, name="hive-doctor")
    try:
        before = time.time()
        seconds, micros = client.time()
        after, now = time.time(), seconds + micros / 1e6
        yield ok("Redis", f"answers at {safe_url(url)} in {(after - before) * 1000:.1f} ms")
        yield check_clock(redis=now, here=(before + after) / 2)
        yield check_way(url)
        if not node:
            yield from _check_server(client, own=own)
            if is_here(urlsplit(url).hostname or "") and (folder := setting(client, "dir")):
                yield check_folder(Path(folder))
            yield from check_rights(client)
            yield check_picture(client.get(wire.SNAPSHOT), now=now)
    except AuthenticationError as error:
        yield bad("Redis", f"{safe_url(url)}: {error}", WAY_OUT if node else REFUSED_HERE)
    except (*AWAY, RedisError) as error:
        mend = "`hive up` starts one; or set REDIS_URL to one that runs"
        yield bad("Redis", f"{safe_url(url)}: {error}", mend)
    finally:
        client.close()


def _check_server(client: Redis, *, own: bool) -> Iterator[Finding]:
    server = client.info()
    yield check_version(server)
    yield check_role(server)
    yield check_policy(setting(client, "maxmemory-policy") or server.get("maxmemory_policy"))
    yield check_memory(server, own=own)
    yield check_append_only(server, setting(client, "appendfsync"))


def setting(client: Redis, name: str) -> str:
    """A setting of the server; empty where CONFIG is forbidden, as with most hosted ones."""
    try:
        answer = client.config_get(name)
    except ResponseError:
        return ""
    value = answer.get(name)
    return value.decode() if isinstance(value, bytes) else value or ""


def check_version(server: Mapping[str, Any]) -> Finding:
    """6.2 brought what the Hive needs (LMOVE, streams' MINID). Every Valkey has it."""
    text = str(server.get("redis_version", ""))
    valkey = server.get("valkey_version")
    shown = f"Valkey {valkey}, which speaks as Redis {text}" if valkey else text
    found = re.match(r"(\d+)\.(\d+)", text)
    if not found or tuple(map(int, found.groups())) < OLDEST:
        return bad("Redis version", shown or "unknown", "use Redis 6.2 or newer, or Valkey")
    return ok("Redis version", shown)


def check_role(server: Mapping[str, Any]) -> Finding:
    """Whether it is one server that takes writes."""
    if server.get("redis_mode") == "cluster":
        mend = "use one server, or one with replicas: keys of the Hive belong together"
        return bad("Redis role", "a node of a Redis Cluster", mend)
    if server.get("role") in ("slave", "replica"):
        return bad("Redis role", "a replica", "set REDIS_URL to the one that takes writes")
    return ok("Redis role", "takes writes")


def check_memory(server: Mapping[str, Any], *, own: bool) -> Finding:
    """Whether it is far from full, and full before the machine is."""
    used, limit = int(server.get("used_memory", 0)), int(server.get("maxmemory", 0))
    room = limit or int(server.get("total_system_memory", 0))
    found = f"{used / 2**20:.0f} MiB of {room / 2**20:.0f} MiB" if room else f"{used} bytes"
    more = "give it more memory; `hive status` says what waits, HIVE_INLINE_KB what travels"
    if room and used > ALMOST_FULL * room:
        return bad("Redis memory", found, more)
    if room and used > RATHER_FULL * room:
        return warn("Redis memory", found, more)
    if not (limit or own):
        mend = "redis-cli CONFIG SET maxmemory 6gb (three quarters of what it may take):"
        return warn("Redis memory", f"{found}, without a limit", f"{mend} full, it says so in time")
    return ok("Redis memory", found)


def check_folder(folder: Path) -> Finding:
    """Whether there is room where it writes its file, on this machine."""
    finding = check_disk(folder, free=free_bytes(folder))
    return replace(finding, name="Disk of Redis")


def check_way(url: str) -> Finding:
    """Whether others may read what travels there, or ask it themselves."""
    parts = urlsplit(url)
    host, secret = parts.hostname or "", parts.password or "password=" in parts.query
    if parts.scheme == "unix":
        return ok("Redis access", "a socket of this machine")
    if not secret:
        mend = "requirepass in its configuration, and REDIS_PASSWORD: whoever reaches it runs it"
        return (warn if is_here(host) else bad)("Redis access", "no password", mend)
    if parts.scheme == "redis" and is_public(host):
        mend = "rediss:// (TLS), or a private network: the password travels in the clear"
        return bad("Redis access", f"no TLS on the way to {host}", mend)
    return ok("Redis access", "a password" + (", TLS" if parts.scheme == "rediss" else ""))


def check_rights(client: Redis) -> Iterator[Finding]:
    """Whether this user may do what Nexus and Foreman do."""
    denied = []
    for words in PROBES:
        try:
            client.execute_command(*words)
        except NoPermissionError:
            denied.append(" ".join(map(str, words[:2])))
        except ResponseError:
            pass
    if denied:
        mend = "ACL SETUSER … ~hive:* ~rq:* &* +@all -@dangerous +info +config|get +client +keys"
        yield bad("Redis rights", f"may not: {', '.join(denied)}", mend)
    else:
        yield ok("Redis rights", "all that Nexus and Foreman need")


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


def check_append_only(server: Mapping[str, Any], fsync: str) -> Finding:
    """Whether Redis remembers over a restart."""
    if not server.get("aof_enabled"):
        mend = "redis-cli CONFIG SET appendonly yes; without it a restart sends running work again"
        return warn("Redis persistence", "append-only file off", mend)
    if server.get("aof_last_write_status", "ok") != "ok":
        mend = "look at its disk and its log: it refuses writes until that is mended"
        return bad("Redis persistence", "the append-only file cannot be written", mend)
    if fsync == "no":
        mend = "redis-cli CONFIG SET appendfsync everysec; a power cut loses half a minute"
        return warn("Redis persistence", "append-only file on, never synced", mend)
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
