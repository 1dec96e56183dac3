"""List, pause and resume queues of waiting work."""

from functools import partial

from django.conf import settings
from django.db import transaction

from jobs.models import Queue
from jobs.shelves import require_queue
from nodes.inbox import ring


def list_queues() -> None:
    """Give every queue that the settings name a row, so that it can be seen and clicked on."""
    rows = [Queue(name=name) for name in settings.HIVE.queues]
    Queue.objects.bulk_create(rows, ignore_conflicts=True)


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
