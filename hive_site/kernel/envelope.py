"""Signed JSON: `v1.<HMAC-SHA256 in hex>.<JSON text>`.

The signature covers a purpose and the exact bytes of the JSON text (RFC 2104), so that a report
can never pass for a bundle, and nothing is parsed before it was verified. A node's key is
derived from the fleet key: a stolen Spore can speak for itself only.
"""

import hashlib
import hmac
import json
from typing import Any

VERSION = b"v1"


class Forged(Exception):
    """The bytes were not signed with this key for this purpose."""


def node_key(fleet_key: str, node: str) -> bytes:
    """The key that one node shares with the Nexus."""
    return hmac.digest(fleet_key.encode(), b"hive-node|1|" + node.encode(), hashlib.sha256)


def seal(text: str, *, key: bytes, purpose: str) -> bytes:
    """The JSON text with its signature."""
    payload = text.encode()
    return b".".join((VERSION, sign(payload, key, purpose), payload))


def unseal(envelope: bytes, *, key: bytes, purpose: str) -> Any:
    """The JSON value inside. Raises `Forged` unless signed with this key for this purpose."""
    version, _, rest = envelope.partition(b".")
    signature, _, payload = rest.partition(b".")
    if version != VERSION or not hmac.compare_digest(signature, sign(payload, key, purpose)):
        raise Forged(f"not a {purpose} signed with this key")
    try:
        return json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise Forged(f"a signed {purpose} that is not JSON") from error


def sign(payload: bytes, key: bytes, purpose: str) -> bytes:
    """HMAC-SHA256 in hexadecimal, of bytes that serve one purpose."""
    message = purpose.encode() + b"\0" + payload
    return hmac.digest(key, message, hashlib.sha256).hex().encode()
