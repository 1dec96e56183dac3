"""The Foreman's broom: what is too old goes in passing, a little at a time."""

from datetime import datetime, timedelta

import structlog
from django.db import transaction

from jobs.retention import STAGES, terms_of
from nodes.leadership import Leadership

log = structlog.get_logger()
EVERY = timedelta(minutes=3)
#: What one transaction may delete: nobody must wait for it.
ROWS_AT_ONCE = 1000


class Pruner:
    """Belongs to one workload. Every transaction confirms first that we lead."""

    def __init__(self, leadership: Leadership, now: datetime) -> None:
        self._leadership = leadership
        self._left: list[str] = []
        # A new leader has better things to do first.
        self._next_round = now + EVERY

    def step(self, now: datetime) -> None:
        """Delete one batch, if a round is due or on its way."""
        if now >= self._next_round:
            self._left, self._next_round = list(STAGES), now + EVERY
        if not self._left:
            return
        # One that breaks is left out of this round, or those behind it would never have a turn.
        stage = self._left.pop(0)
        with transaction.atomic():
            self._leadership.confirm(now)
            count = STAGES[stage](terms_of(now), ROWS_AT_ONCE)
        if count:
            log.info("retention.pruned", what=stage, rows=count)
            self._left.insert(0, stage)
