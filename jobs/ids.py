"""Names of jobs: unique without asking anybody, and sortable by when they were made."""

import hashlib
import secrets
import threading
import time
from datetime import datetime

#: Crockford's base 32: no letter that could be taken for a digit.
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
RANDOM_BITS = 80

_lock = threading.Lock()
_last = 0


def new_job_id() -> str:
    """`job_` and a ULID (https://github.com/ulid/spec); each is greater than the one before."""
    return f"job_{_spell(_next_number())}"


def derive_job_id(at: datetime, seed: str) -> str:
    """The one id for what `seed` names at that time: whoever asks twice gets the same."""
    chance = int.from_bytes(hashlib.sha256(seed.encode()).digest()[: RANDOM_BITS // 8])
    return f"job_{_spell(int(at.timestamp() * 1000) << RANDOM_BITS | chance)}"


def _next_number() -> int:
    """48 bits of milliseconds, 80 of chance; one more than the last if the clock stood still."""
    global _last
    fresh = (time.time_ns() // 1_000_000) << RANDOM_BITS | secrets.randbits(RANDOM_BITS)
    with _lock:
        _last = fresh if fresh >> RANDOM_BITS > _last >> RANDOM_BITS else _last + 1
        return _last


def _spell(number: int) -> str:
    return "".join(ALPHABET[number >> shift & 31] for shift in range(125, -1, -5))
