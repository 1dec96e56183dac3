"""The promise, checked: what must hold in the database alone, and between it, the stored values
and Redis.

The numbers are those of the list of invariants in `docs/states.md`.
"""

from jobs.invariants.database import check_database
from jobs.invariants.redis import check_redis
from jobs.invariants.repairing import repair
from jobs.invariants.values import check_values
from jobs.invariants.violation import Violation

__all__ = ["Violation", "check_database", "check_redis", "check_values", "repair"]
