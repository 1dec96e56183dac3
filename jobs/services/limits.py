"""What operators allow a task in the whole cluster."""

from functools import partial
from typing import Any

from django.db import transaction

from hive_site.kernel.errors import Invalid, NotFound
from jobs.domain.limits import Limit, read_concurrency, read_rate
from jobs.limits import declared_limit
from jobs.models import TaskLimit
from jobs.registry import Task
from jobs.validation import find_task
from nodes.inbox import ring

#: For a limit that is not to be changed.
KEEP: Any = object()


@transaction.atomic
def set_limits(*, task: str, rate: Any = KEEP, concurrency: Any = KEEP) -> Limit:
    """Limit a task, whatever its code says; None: no limit.

    Raises `NotFound`, or `Invalid` with the field's name.
    """
    require_task(task)
    row = TaskLimit.objects.filter(pk=task).first()
    before = read_row(row) if row else declared_limit(task)
    limit = Limit(
        rate=before.rate if rate is KEEP else _read(read_rate, rate, "rate"),
        concurrency=(
            before.concurrency
            if concurrency is KEEP
            else _read(read_concurrency, concurrency, "concurrency")
        ),
    )
    TaskLimit.objects.update_or_create(
        task=task,
        defaults={"rate": str(limit.rate or ""), "concurrency": limit.concurrency},
    )
    transaction.on_commit(partial(ring, "limits", task))
    return limit


@transaction.atomic
def drop_limits(*, task: str) -> None:
    """From now on the limits in the task's code count. Dropping none is fine.

    Raises `NotFound` for a task that neither exists nor has limits.
    """
    if not TaskLimit.objects.filter(pk=task).exists():
        require_task(task)
    TaskLimit.objects.filter(pk=task).delete()
    transaction.on_commit(partial(ring, "limits", task))


def require_task(name: str) -> Task:
    """The task of that name, ours or one that only nodes have. Raises `NotFound`."""
    try:
        return find_task(name)
    except NotFound:
        raise NotFound(f"no task is named {name!r}") from None


def read_row(row: TaskLimit) -> Limit:
    """The limits in a row."""
    return Limit(read_rate(row.rate), row.concurrency)


def _read(read: Any, value: Any, field: str) -> Any:
    try:
        return read(value)
    except ValueError as error:
        raise Invalid(str(error), field=field) from error
