"""Ids of jobs and workflows: unique without asking anybody, sortable by when they were made."""

import hashlib
import secrets
import threading
import time

#: Crockford's base 32: no letter that could be taken for a digit.
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
RANDOM_BITS = 80
#: So many characters of an id say when it was made.
TIME_CHARS = 10

_lock = threading.Lock()
_last = 0


def new_job_id() -> str:
    """`job_` and a ULID (https://github.com/ulid/spec); each is greater than the one before."""
    return f"job_{_spell(_next_number())}"


def new_workflow_id() -> str:
    """`wf_` and a ULID."""
    return f"wf_{_spell(_next_number())}"


def spawned_job_id(parent: str, subtask: int, call: int) -> str:
    """The id of the job that a subtask of `parent` submits with its call number `call`.

    Every attempt of the subtask gets the same one. It sorts beside its parent.
    """
    seen = hashlib.sha256(f"{parent}/{subtask}/{call}".encode()).digest()
    return f"job_{parent[4 : 4 + TIME_CHARS]:0<{TIME_CHARS}}{_spell(int.from_bytes(seen))[-16:]}"


def _next_number() -> int:
    """48 bits of milliseconds, 80 of chance; one more than the last if the clock stood still."""
    global _last
    fresh = (time.time_ns() // 1_000_000) << RANDOM_BITS | secrets.randbits(RANDOM_BITS)
    with _lock:
        _last = fresh if fresh >> RANDOM_BITS > _last >> RANDOM_BITS else _last + 1
        return _last


def _spell(number: int) -> str:
    return "".join(ALPHABET[number >> shift & 31] for shift in range(125, -1, -5))
