"""Pages of a job's subtasks for people: by index, by state, or the newest ended first."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from jobs.domain.states import OPEN, Role, SubtaskState
from jobs.log_tail import Place
from jobs.models import Job, Subtask
from jobs.previews import Preview, preview
from jobs.selectors import map_rows

PAGE = 50
#: What people ask for, in the figures that a job's row has.
GROUPS: dict[str, tuple[str, ...]] = {
    "waiting": tuple(sorted(OPEN - {SubtaskState.RUNNING})),
    "running": (SubtaskState.RUNNING,),
    "succeeded": (SubtaskState.SUCCEEDED,),
    "failed": (SubtaskState.FAILED, SubtaskState.QUARANTINED),
    "cancelled": (SubtaskState.CANCELLED,),
}
COLUMNS = (
    *("pk", "index", "state", "node", "attempts", "started_at", "finished_at", "seq"),
    *("result", "error"),
)
#: A row of a table shows the beginning of a result.
GLANCE_CHARS = 1_200


@dataclass(frozen=True, slots=True)
class SubtaskRow:
    """A subtask in a table."""

    index: int
    state: str
    node: str
    attempts: int
    finished_at: datetime | None
    seconds: float | None
    result: Preview | None
    error: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class SubtaskPage:
    """Rows, and where the next page begins; None if this is the last."""

    rows: list[SubtaskRow]
    following: str | None


def read_error(text: str | None) -> dict[str, Any] | None:
    """Type, message and traceback, from a column."""
    return json.loads(text) if text else None


def by_index(job: Job, *, after: int = -1, states: Sequence[str] = ()) -> SubtaskPage:
    """In item order, those behind an index; only in these states, if any are given."""
    rows = map_rows(job.pk, after=after)
    found = _take(rows.filter(state__in=states) if states else rows)
    return _page(found, lambda row: str(row.index))


def by_end(job: Job, *, before: Place | None = None) -> SubtaskPage:
    """The newest ended first."""
    rows = Subtask.objects.filter(job_id=job.pk, seq__gt=0)
    if before:
        rows = rows.filter(seq__lte=before[0]).exclude(seq=before[0], id__gte=before[1])
    found = _take(rows.order_by("-seq", "-id"))
    return _page(found, lambda row: f"{row.seq}.{row.pk}", skip=lambda row: row.role == Role.REDUCE)


def first_failed(job: Job, *, most: int = 20) -> list[SubtaskRow]:
    """Some of what failed, in item order: what people look for first."""
    if not job.failed:
        return []
    rows = map_rows(job.pk).filter(state__in=GROUPS["failed"])
    return list(_rows(rows.only(*COLUMNS, "role")[:most]))


def _take(rows: QuerySet[Subtask]) -> list[Subtask]:
    return list(rows.only(*COLUMNS, "role")[: PAGE + 1])


def _page(found: list[Subtask], place: Any, skip: Any = lambda row: False) -> SubtaskPage:
    shown = found[:PAGE]
    following = place(shown[-1]) if len(found) > PAGE else None
    return SubtaskPage(list(_rows(row for row in shown if not skip(row))), following)


def _rows(found: Iterable[Subtask]) -> Iterable[SubtaskRow]:
    for row in found:
        spent = row.finished_at and row.started_at and row.finished_at - row.started_at
        yield SubtaskRow(
            index=row.index,
            state=row.state,
            node=row.node,
            attempts=row.attempts,
            finished_at=row.finished_at,
            seconds=spent.total_seconds() if spent else None,
            result=preview(row.result, most=GLANCE_CHARS),
            error=read_error(row.error),
        )
