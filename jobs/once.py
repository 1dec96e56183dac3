"""What may never run twice: written down before it is sent, given up if nobody knows of it."""

from collections.abc import Callable, Sequence
from datetime import datetime

from django.db import transaction

from jobs.domain.backlog import Line
from jobs.domain.batch import Batch, doubtful
from jobs.domain.flight import Sent
from jobs.domain.states import SubtaskState
from jobs.loader import load_doubtful
from jobs.memory import Memory
from jobs.models import Subtask


def mark_once(planned: Sequence[tuple[Sent, Line]], memory: Memory, now: datetime) -> None:
    """Write down what may never run twice before it is sent: Redis might forget that it was.

    What cannot be written down is not in flight any more.
    """
    try:
        _mark(planned, memory, now)
    except Exception:  # whatever it was, nothing was sent
        for sent, _ in planned:
            for attempt in list(sent.open):
                memory.close(attempt, again=True)
        raise


def _mark(planned: Sequence[tuple[Sent, Line]], memory: Memory, now: datetime) -> None:
    once = [
        ready.subtask
        for sent, line in planned
        for ready in sent.items
        if line.order.of(reduce=ready.reduce).once
    ]
    if once:
        with transaction.atomic():
            memory.leadership.confirm(now)
            rows = Subtask.objects.filter(pk__in=once, state=SubtaskState.WAITING)
            rows.update(state=SubtaskState.QUEUED)


def find_doubtful(memory: Memory, next_attempt: Callable[[], int]) -> Batch:
    """The ends of what an earlier leader sent and must not be sent again, if no trace is left."""
    batch = Batch()
    for job, ready in load_doubtful():
        if not memory.flight.holds(ready.subtask):
            batch.add(doubtful(ready, job, attempt=next_attempt()))
    return batch
