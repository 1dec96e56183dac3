"""Names that are unique without asking anybody, and sortable by when they were made."""

import secrets
import threading
import time

#: Crockford's base 32: no letter that could be taken for a digit.
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
RANDOM_BITS = 80

_lock = threading.Lock()
_last = 0


def new_id(prefix: str) -> str:
    """`prefix_` and a ULID (https://github.com/ulid/spec); each is greater than the one before."""
    return f"{prefix}_{spell(_next_number())}"


def _next_number() -> int:
    """48 bits of milliseconds, 80 of chance; one more than the last if the clock stood still."""
    global _last
    fresh = (time.time_ns() // 1_000_000) << RANDOM_BITS | secrets.randbits(RANDOM_BITS)
    with _lock:
        _last = fresh if fresh >> RANDOM_BITS > _last >> RANDOM_BITS else _last + 1
        return _last


def spell(number: int) -> str:
    """128 bits as the 26 characters of a ULID."""
    return "".join(ALPHABET[number >> shift & 31] for shift in range(125, -1, -5))
