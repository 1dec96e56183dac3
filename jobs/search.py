"""Looks for bundles that were sent and are nowhere, or that give no sign of life."""

from datetime import datetime

import structlog
from django.conf import settings

from jobs.bookkeeping import Bookkeeper
from jobs.domain.batch import Batch, lose, mislay
from jobs.domain.flight import Sent
from jobs.memory import Memory
from nodes.domain.states import NodeState
from nodes.roster import Roster
from nodes.wire import attempt_token

log = structlog.get_logger()
EVERY_SECONDS = 5.0
#: Younger bundles may be between two lists.
MISSING_AFTER_SECONDS = 10.0


class Search:
    """Belongs to one workload; a new leader begins with a new one."""

    def __init__(self, memory: Memory, book: Bookkeeper) -> None:
        self._memory, self._book = memory, book
        self._missing: set[str] = set()
        self._looked_at = 0.0

    def look(self, roster: Roster, now: datetime) -> None:
        """Every five seconds: what two looks in a row miss is sent again; zombies are ended."""
        if now.timestamp() - self._looked_at < EVERY_SECONDS:
            return
        self._looked_at = now.timestamp()
        old = [sent for sent in self._memory.flight if self._age(sent, now) > MISSING_AFTER_SECONDS]
        missing = self._nowhere(old, roster)
        batch = Batch()
        for sent in missing:
            if sent.id in self._missing:
                log.warning("bundle.missing", bundle=sent.id, node=sent.node)
                # At a price, or a node that swallows bundles would be sent them for ever.
                lose(sent, untouched=False, reason="its bundle was lost", batch=batch)
        self._book.commit(batch, {}, now)
        self._missing = {sent.id for sent in missing} - self._missing
        for sent in old:
            if self._age(sent, now) > settings.HIVE.zombie_timeout:
                self._end_zombie(sent, now)

    def recount(self, roster: Roster, now: datetime) -> None:
        """After an outage and a round of heartbeats: one look is enough."""
        missing = self._nowhere(list(self._memory.flight), roster)
        gone = {sent.id for sent in missing}
        self._memory.dispatcher.remember(s for s in self._memory.flight if s.id not in gone)
        batch = Batch()
        for sent in missing:
            line = self._memory.backlog.get(sent.job)
            reduce = any(ready.reduce for ready in sent.open.values())
            harmless = line is None or line.order.of(reduce=reduce).idempotent
            mislay(sent, harmless=harmless, reason="Redis forgot its bundle", batch=batch)
        self._book.commit(batch, {}, now)
        log.info("flight.recounted", there=len(self._memory.flight), sent_again=len(gone))

    def _age(self, sent: Sent, now: datetime) -> float:
        return now.timestamp() - sent.sign_at

    def _nowhere(self, bundles: list[Sent], roster: Roster) -> list[Sent]:
        """Those that are in no list and that no slot runs. Of silent nodes nothing is known."""
        silent = {seat.name for seat in roster if seat.state is NodeState.SUSPECT}
        bundles = [sent for sent in bundles if sent.node not in silent]
        if not bundles:
            return []
        there = self._memory.dispatcher.whereabouts({sent.node for sent in bundles})
        running = {run.attempt for seat in roster for run in seat.beat.running}
        return [s for s in bundles if s.id not in there and running.isdisjoint(s.open)]

    def _end_zombie(self, sent: Sent, now: datetime) -> None:
        """Nobody has shown a sign of it for too long: what it holds is somebody else's now."""
        seconds = self._age(sent, now)
        log.warning("bundle.zombie", bundle=sent.id, node=sent.node, silent_seconds=round(seconds))
        for attempt in sent.open:
            self._memory.dispatcher.stop(attempt_token(attempt), {sent.node})
        batch = Batch()
        untouched = self._memory.dispatcher.abandon(sent)
        lose(sent, untouched=untouched, reason=f"no sign of it for {seconds:.0f} s", batch=batch)
        self._book.commit(batch, {}, now)
