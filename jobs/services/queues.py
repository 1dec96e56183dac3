"""Pause and resume queues of waiting work."""

from functools import partial

from django.db import transaction

from jobs.models import Queue
from jobs.selectors import require_queue
from nodes.inbox import ring


def pause_queue(*, name: str) -> None:
    """Start nothing more from a queue; what runs goes on. Raises `NotFound`."""
    _set_paused(name, paused=True)


def resume_queue(*, name: str) -> None:
    """Start work from a queue again. Raises `NotFound`."""
    _set_paused(name, paused=False)


@transaction.atomic
def _set_paused(name: str, *, paused: bool) -> None:
    require_queue(name)
    Queue.objects.update_or_create(name=name, defaults={"paused": paused})
    transaction.on_commit(partial(ring, "queue", name))
