"""Signed JSON: `v1.<HMAC-SHA256 in hex>.<JSON text>`.

The signature covers a purpose and the exact bytes of the JSON text (RFC 2104), so that a report
can never pass for a bundle, and nothing is parsed before it was verified. A node's key is
derived from the fleet key: a stolen Spore can speak for itself only.

Nodes that come and go in numbers belong to a pool: they are called POOL--REST, and their keys are
derived from the pool's. Whoever starts them hands out one key, and whoever steals that key can
speak for nodes of that pool only.
"""

import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

VERSION = b"v1"
#: Between a pool and the rest of a node's name.
POOL_MARK = "--"


class Forged(Exception):
    """The bytes were not signed with this key for this purpose."""


def node_key(fleet_key: str, node: str, *, generation: int = 1) -> bytes:
    """The key that one node shares with the Nexus; each generation has another one.

    The first of a node of a pool is derived from the pool's key. Later ones are given to one node
    alone, and whoever has the pool's key cannot know them.
    """
    pool = pool_of(node) if generation == 1 else ""
    master = pool_key(fleet_key, pool) if pool else fleet_key.encode()
    return member_key(master, node, generation=generation)


def pool_key(fleet_key: str, pool: str) -> bytes:
    """The key from which those of all nodes of a pool are derived."""
    return hmac.digest(fleet_key.encode(), b"hive-pool|1|" + pool.encode(), hashlib.sha256)


def member_key(master: bytes, node: str, *, generation: int = 1) -> bytes:
    """The key of a node, derived from that of its pool, or of the fleet."""
    return hmac.digest(master, f"hive-node|{generation}|{node}".encode(), hashlib.sha256)


def pool_of(node: str) -> str:
    """The pool that a node's name tells of; empty if it is in none."""
    pool, mark, rest = node.partition(POOL_MARK)
    return pool if mark and rest else ""


def purpose_key(fleet_key: str, purpose: str) -> bytes:
    """The key of something that is no node, whatever nodes are called."""
    return hmac.digest(fleet_key.encode(), b"hive-purpose|1|" + purpose.encode(), hashlib.sha256)


def redis_password(name: str, key: bytes) -> str:
    """The password of a node or a pool for Redis, which follows from its key."""
    return sign(name.encode(), key, "redis").decode()


def seal(text: str | bytes, *, key: bytes, purpose: str) -> bytes:
    """The JSON text with its signature."""
    payload = text.encode() if isinstance(text, str) else text
    return b".".join((VERSION, sign(payload, key, purpose), payload))


def unseal(
    envelope: bytes, *, key: bytes, purpose: str, loads: Callable[[bytes], Any] = json.loads
) -> Any:
    """The JSON value inside, as `loads` reads it (or says `ValueError`).

    Raises `Forged` unless signed with this key for this purpose.
    """
    version, _, rest = envelope.partition(b".")
    signature, _, payload = rest.partition(b".")
    if version != VERSION or not hmac.compare_digest(signature, sign(payload, key, purpose)):
        raise Forged(f"not a {purpose} signed with this key")
    try:
        return loads(payload)
    except (ValueError, RecursionError) as error:
        raise Forged(f"a signed {purpose} that is not JSON") from error


def sign(payload: bytes, key: bytes, purpose: str) -> bytes:
    """HMAC-SHA256 in hexadecimal, of bytes that serve one purpose."""
    message = purpose.encode() + b"\0" + payload
    return hmac.digest(key, message, hashlib.sha256).hex().encode()
