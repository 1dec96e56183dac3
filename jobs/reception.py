"""Takes reports in: reads them, has them recorded, and keeps what is poisonous apart."""

from dataclasses import dataclass
from datetime import datetime

import structlog
from django.db import DataError, IntegrityError

from jobs.bookkeeping import Bookkeeper
from jobs.domain.batch import Batch
from jobs.domain.reports import read_report
from jobs.mail import halve, split
from jobs.memory import Memory
from jobs.traces import recording
from nodes.ports import Mail
from nodes.stopwatch import timed

log = structlog.get_logger()
#: What a report that cannot be stored looks like; an outage looks different and is tried again.
POISON = (
    *(DataError, IntegrityError, ValueError, TypeError, KeyError, AttributeError),
    *(OverflowError, RecursionError),
)
#: A transaction should hold no more events than this, or readers wait for it.
EVENTS_AT_ONCE = 1000


@dataclass(slots=True)
class Refusals:
    """What was not taken in, since this process started."""

    dropped: int = 0
    dead_letters: int = 0


class Reception:
    """One leader's."""

    def __init__(self, memory: Memory, book: Bookkeeper, refusals: Refusals) -> None:
        self._memory, self._book, self._refusals = memory, book, refusals

    def record(self, mail: Mail, now: datetime) -> None:
        """Record all of it; large mail in several transactions."""
        *parts, last = split(mail, EVENTS_AT_ONCE)
        for part in parts:
            self._record(part, now)
        self._record(last, now)

    def _record(self, mail: Mail, now: datetime) -> None:
        batch = Batch()
        for report in mail.reports:
            read_report(report.body, report.node, self._memory.flight, batch)
        try:
            with timed(self._memory.records), recording(mail.reports):
                self._book.commit(batch, mail.cursors, now)
            self._refusals.dropped += batch.dropped
        except POISON as error:
            self._isolate(mail, now, error)

    def _isolate(self, mail: Mail, now: datetime, error: Exception) -> None:
        """One poisonous report does not take its neighbours along, nor one event the others."""
        # In halves, so that what is sound of large mail takes few transactions all the same.
        halves = halve(mail)
        if len(halves) > 1:
            for part in halves:
                self._record(part, now)
            return
        self._refusals.dead_letters += 1
        log.error(
            "report.dead_letter",
            error=str(error),
            reports=len(mail.reports),
            node=[report.node for report in mail.reports],
            job=[str(report.body.get("job", "")) for report in mail.reports],
        )
        self._book.commit(Batch(), mail.cursors, now)
