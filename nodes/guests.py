"""What guests of Redis come in with, and what they may do there."""

from collections.abc import Callable

from hive_site.kernel.envelope import redis_password
from hive_site.kernel.redis import key
from nodes import wire
from nodes.domain.acl import Grant, Reach, compose_rules, digits, mark, pool_of_all
from nodes.keyring import Keyring


def password_of(guest: str, keyring: Keyring) -> str:
    """A guest's password for Redis. Raises `Revoked`."""
    if pool := pool_of_all(guest):
        return redis_password(pool, keyring.pool_key(pool))
    return redis_password(guest, keyring.key_of(guest))


def rules_of(guest: str, keyring: Keyring, version: tuple[int, ...], broadcasts: str) -> list[str]:
    """All that a guest may do. Raises `Revoked`."""
    password = password_of(guest, keyring)
    return compose_rules(reach_of(guest, broadcasts), password=password, version=version)


def reach_of(guest: str, broadcasts: str) -> Reach:
    """The keys and channels of a guest. No name holds a sign that patterns take for another."""
    queue, popped = wire.queue_key(guest), wire.intermediate_key(guest)
    bundles = wire.bundle_key(f"{guest}-{digits(wire.BUNDLE_DIGITS)}")
    probes = wire.bundle_key(wire.probe_id(guest, "*"))
    own = (
        Grant(("xadd", "expire", "xrevrange"), (wire.beat_key(guest),)),
        Grant(("xadd",), (wire.report_key(guest),)),
        Grant(("get",), (wire.orders_key(guest),)),
        Grant(("lpop",), (wire.commands_key(guest),)),
        Grant(("get", "set"), (wire.proof_key(guest),)),
        Grant(("lmove", "blmove", "lindex", "lrange", "lrem"), (queue, popped)),
        Grant(("lpush",), (queue,)),
        Grant(("hset", "hexists", "hgetall", "expire", "del"), (bundles, probes)),
        Grant(("hset", "exists", "hexists", "expire", "del"), (f"rq:worker:{guest}.*",)),
        Grant(("expire",), (f"rq:executions:{guest}.*",)),
        Grant(("sadd", "srem"), (f"rq:workers:{guest}",)),
    )
    shared = (
        Grant(("xadd",), (wire.INBOX,)),
        Grant(("sadd",), (wire.NODES,)),
        Grant(("exists",), (wire.cancel_key("*"),)),
        Grant(("xadd", "expire"), (wire.answers_key("*"),)),
        Grant(("set",), (wire.tasks_key("*"),)),
        Grant(("get", "set"), (key("cache", "*"),)),
        Grant(("sadd", "srem"), (wire.WORKERS,)),
    )
    return Reach(own, (wire.control_channel(guest), broadcasts), shared)


def marks(keyring: Keyring, version: tuple[int, ...], broadcasts: str) -> Callable[[str], bytes]:
    """What tells the rules of a guest from its earlier ones; there are many to be told of."""
    alike = compose_rules(reach_of("", broadcasts), password="", version=version)
    return lambda guest: mark([*alike, password_of(guest, keyring)])
