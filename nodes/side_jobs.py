"""What a leader can do without for a while: where it breaks it rests, and the leader goes on."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar

import structlog

from hive_site.kernel.errors import Deposed, Forgotten
from hive_site.kernel.outages import OUTAGES

T = TypeVar("T")
log = structlog.get_logger()
#: One row that makes no sense is there the next time too, and must not fill the log.
REST = timedelta(minutes=1)
#: What is everybody's business, not a fault of the side job.
PASSED_ON = (Deposed, Forgotten, *OUTAGES)


class SideJobs:
    """Runs them, and counts by name how often each broke."""

    def __init__(self) -> None:
        self.broken: Counter[str] = Counter()
        self._resting: dict[str, datetime] = {}

    def run(self, name: str, work: Callable[[], T], now: datetime) -> T | None:
        """What `work` returns; None if it broke, or rests because it did."""
        if now < self._resting.get(name, now):
            return None
        try:
            return work()
        except PASSED_ON:
            raise
        except Exception:  # whatever it is, leading matters more
            self.broken[name] += 1
            self._resting[name] = now + REST
            log.exception("side_job.broke", side_job=name, times=self.broken[name])
            return None
