"""The Foreman's broom: what is too old goes in passing, a little at a time."""

from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from django.db import transaction

from jobs import retention
from nodes import retention as people
from nodes.leadership import Leadership

log = structlog.get_logger()
Stage = Callable[[retention.Terms, int], int]
EVERY = timedelta(minutes=3)
#: What one transaction may delete: nobody must wait for it.
ROWS_AT_ONCE = 1000


def by_time(stage: Callable[[datetime, int], int]) -> Stage:
    """A stage that goes by its own terms, and needs only to know what time it is."""
    return lambda terms, limit: stage(terms.now, limit)


#: What is left of jobs, and of people.
STAGES: dict[str, Stage] = {
    **retention.STAGES,
    **{name: by_time(stage) for name, stage in people.STAGES.items()},
}


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
            count = STAGES[stage](retention.terms_of(now), ROWS_AT_ONCE)
        if count:
            log.info("retention.pruned", what=stage, rows=count)
            self._left.insert(0, stage)
