"""How a node says over HTTP who it is: `Authorization: Node NAME:TIME:NONCE:HMAC`.

The HMAC-SHA256 with the node's key covers method, path, time and nonce. A request that is sent
again within the window is let in again: what may be asked so must bear that.
"""

import hmac
import re
import secrets
from collections.abc import Callable

from hive_site.kernel.envelope import Forged, sign

SCHEME = "Node"
WINDOW_SECONDS = 300
PURPOSE = "http"
_FORM = re.compile(r"([A-Za-z0-9_-]{1,48}):([0-9]{1,12}):([0-9a-f]{16}):([0-9a-f]{64})")


def authorization(*, node: str, key: bytes, method: str, path: str, now: float) -> str:
    """The value of the header for one request. `now` is in Unix seconds."""
    stamp, nonce = f"{now:.0f}", secrets.token_hex(8)
    return f"{SCHEME} {node}:{stamp}:{nonce}:{_sign(key, method, path, stamp, nonce)}"


def read_authorization(
    value: str, *, key_of: Callable[[str], bytes], method: str, path: str, now: float
) -> str:
    """The node that signed the request; `value` is what follows the scheme.

    Raises `Forged`, with the reason, unless it was signed with its key within the window.
    """
    found = _FORM.fullmatch(value)
    if not found:
        raise Forged("give NAME:TIME:NONCE:HMAC")
    node, stamp, nonce, signature = found.groups()
    if not hmac.compare_digest(signature, _sign(key_of(node), method, path, stamp, nonce)):
        raise Forged(f"not signed with the key of node {node}")
    if abs(now - int(stamp)) > WINDOW_SECONDS:
        raise Forged(f"signed {now - int(stamp):.0f} s ago; {WINDOW_SECONDS} s are allowed")
    return node


def _sign(key: bytes, *parts: str) -> str:
    return sign("\n".join(parts).encode(), key, PURPOSE).decode()
