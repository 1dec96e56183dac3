"""Names of jobs."""

import hashlib
from datetime import datetime

from hive_site.kernel.ids import RANDOM_BITS, new_id, spell


def new_job_id() -> str:
    """`job_` and a ULID; each is greater than the one before."""
    return new_id("job")


def derive_job_id(at: datetime, seed: str) -> str:
    """The one id for what `seed` names at that time: whoever asks twice gets the same."""
    chance = int.from_bytes(hashlib.sha256(seed.encode()).digest()[: RANDOM_BITS // 8])
    return f"job_{spell(int(at.timestamp() * 1000) << RANDOM_BITS | chance)}"
