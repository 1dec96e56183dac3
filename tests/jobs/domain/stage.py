"""Lets the leader's memory and pen run as they are, over a table in memory."""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from jobs.domain.backlog import Ready
from jobs.domain.retry import Policy
from jobs.domain.states import OPEN, JobState, SubtaskState
from tests.jobs.domain.table import Row, Table

SENT = (SubtaskState.QUEUED, SubtaskState.RUNNING)


class Loader:
    """What `jobs/loader.py` reads."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def load_open(self, subtasks: Iterable[int]) -> dict[int, tuple[Ready, int]]:
        rows = [self._table.rows[subtask] for subtask in subtasks]
        return {row.id: (row.ready(), row.attempt) for row in rows if is_loadable(row)}

    def load_policy(self, job: str, *, reduce: bool) -> Policy | None:
        row = self._table.jobs[job]
        going_on = job in self._table.open_jobs() and row.state != JobState.CANCELLING
        return row.order.policy if going_on else None

    def load_reduction(self, job: str) -> Ready | None:
        rows = [row for row in self._table.of(job) if row.reduce and is_loadable(row)]
        return rows[0].ready() if rows else None

    def load_doubtful(self) -> Iterator[tuple[str, Ready]]:
        for row in self._table.rows.values():
            order = self._table.jobs[row.job].order
            if order.once and row.state in SENT:
                yield row.job, row.ready()


class Subtasks:
    """`Subtask.objects`, as far as marks are concerned."""

    def __init__(self, table: Table) -> None:
        self._table, self._found = table, list[Row]()

    def filter(self, *, pk__in: list[int], state: SubtaskState) -> "Subtasks":
        rows = [self._table.rows[subtask] for subtask in pk__in]
        self._found = [row for row in rows if row.state == state]
        return self

    def update(self, *, state: SubtaskState) -> None:
        for row in self._found:
            row.state = state


def is_loadable(row: Row) -> bool:
    return row.state in OPEN and row.state != SubtaskState.BLOCKED


def set_stage(table: Table) -> ExitStack:
    """Put the table where the models are, until the stack is closed."""
    loader = Loader(table)
    book: dict[str, Any] = {
        "record_batch": table.record_batch,
        "settle_with_children": table.settle_jobs,
        "cancel_rest": table.cancel_rest,
        "stop_job": table.stop_job,
        "load_reduction": loader.load_reduction,
        "transaction": SimpleNamespace(atomic=table.atomic),
    }
    once = {
        "load_doubtful": loader.load_doubtful,
        "transaction": SimpleNamespace(atomic=table.atomic),
        "Subtask": SimpleNamespace(objects=Subtasks(table)),
    }
    stack = ExitStack()
    stack.enter_context(patch.multiple("jobs.bookkeeping", **book))
    stack.enter_context(patch.multiple("jobs.once", **once))
    memory = {
        "load_open": loader.load_open,
        "load_placed": lambda subtasks: {},
        "load_policy": loader.load_policy,
    }
    stack.enter_context(patch.multiple("jobs.memory", **memory))
    return stack
