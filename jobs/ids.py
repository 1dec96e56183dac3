"""Names of jobs and workflows."""

import hashlib
from datetime import datetime

from hive_site.kernel.ids import RANDOM_BITS, new_id, spell

#: So many characters of an id say when it was made.
TIME_CHARS = 10


def new_job_id() -> str:
    """`job_` and a ULID; each is greater than the one before."""
    return new_id("job")


def new_workflow_id() -> str:
    """`wf_` and a ULID."""
    return new_id("wf")


def derive_job_id(at: datetime, seed: str) -> str:
    """The one id for what `seed` names at that time: whoever asks twice gets the same."""
    chance = int.from_bytes(hashlib.sha256(seed.encode()).digest()[: RANDOM_BITS // 8])
    return f"job_{spell(int(at.timestamp() * 1000) << RANDOM_BITS | chance)}"


def spawned_job_id(parent: str, subtask: int, call: int) -> str:
    """The id of the job that a subtask of `parent` submits with its call number `call`.

    Every attempt of the subtask gets the same one. It sorts beside its parent.
    """
    seen = hashlib.sha256(f"{parent}/{subtask}/{call}".encode()).digest()
    return f"job_{parent[4 : 4 + TIME_CHARS]:0<{TIME_CHARS}}{spell(int.from_bytes(seen))[-16:]}"
