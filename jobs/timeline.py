"""Reads when and where subtasks of a job ran: of a large one a sample, spread over all of it."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db.models import F, QuerySet

from jobs.domain.states import OPEN, TERMINAL, Outcome, SubtaskState
from jobs.domain.timeline import Run, Timeline, lay_out
from jobs.models import Attempt, Job, Subtask

MOST_ROWS = 10_000
#: Of so many subtasks that took several tries, all tries are shown.
MOST_TRIES_OF = 2_000
COLUMNS = ("pk", "index", "state", "node", "started_at", "finished_at", "attempts")
ENDED_BADLY = frozenset(TERMINAL - {SubtaskState.SUCCEEDED})


@dataclass(frozen=True, slots=True)
class History:
    """A job's timeline; with `every` over 1, only each so-many-th subtask was read."""

    timeline: Timeline
    every: int


def read_history(job: Job, now: datetime, *, most_rows: int = MOST_ROWS) -> History:
    """What ran when on which slot, from the job's start to its end or to now."""
    every = max(math.ceil(job.total / most_rows), 1)
    rows = Subtask.objects.filter(job_id=job.pk)
    if every > 1:
        rows = rows.annotate(place=F("index") % every).filter(place=0)
    runs = list(_runs(rows.order_by()[:most_rows], now))
    start = (job.ready_at or job.created_at).timestamp()
    start = min([start, *(run.start for run in runs)])
    end = max([(job.finished_at or now).timestamp(), *(run.end for run in runs)])
    return History(lay_out(runs, start=start, end=max(end, start)), every)


def _runs(rows: QuerySet[Subtask], now: datetime) -> Iterator[Run]:
    several: dict[int, tuple[int, int]] = {}
    for pk, index, state, node, began, ended, attempts in rows.values_list(*COLUMNS):
        if attempts > 1 or state in ENDED_BADLY or state == SubtaskState.RETRYING:
            several[pk] = index, attempts if state in ENDED_BADLY else 0
        if not began or state in ENDED_BADLY or not node:
            continue  # what ended badly is among the tries
        if state in OPEN and state != SubtaskState.RUNNING:
            continue
        end = (ended or now).timestamp()
        yield Run(node, began.timestamp(), end, state, index)
    yield from _tries(dict(list(several.items())[:MOST_TRIES_OF]))


def _tries(several: dict[int, tuple[int, int]]) -> Iterator[Run]:
    """Tries that did not end well, by the subtask's index and the number of its fatal one: all
    others were repeated. How the last one of a subtask that succeeded went is in its own row."""
    ids = list(several)
    for at in range(0, len(ids), 500):
        tries = Attempt.objects.filter(subtask__in=ids[at : at + 500]).exclude(
            outcome=Outcome.SUCCEEDED
        )
        columns = tries.order_by().values_list(
            "subtask_id", "number", "node", "outcome", "started_at", "ended_at"
        )
        for subtask, number, node, outcome, began, ended in columns:
            index, fatal = several[subtask]
            state = outcome if number == fatal else SubtaskState.RETRYING
            if node and began and ended:
                yield Run(node, began.timestamp(), ended.timestamp(), state, index)
