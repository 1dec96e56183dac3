"""Writes what happened into the database: one transaction for a whole batch of reports.

Every move is guarded by the subtask's state, so recording twice changes nothing.
"""

from collections import Counter
from datetime import datetime
from random import Random
from typing import Any

from django.db import connection, transaction
from django.db.models import F

from jobs.domain.batch import Batch, Ending
from jobs.domain.states import Outcome, SubtaskState
from jobs.failures import (
    OPEN_STATES,
    PolicyOf,
    Recorded,
    moment,
    note_attempts,
    record_failures,
)
from jobs.models import Job, Subtask
from nodes.leadership import Leadership
from nodes.models import ReportCursor

SUCCEED = f"""
    UPDATE jobs_subtask
       SET state = 'succeeded', result = %s, error = NULL, node = %s, attempt = %s, attempts = %s,
           started_at = %s, finished_at = %s, retry_at = NULL
     WHERE id = %s AND state IN ({", ".join(f"'{state}'" for state in OPEN_STATES)})
"""  # noqa: S608 the states are our own words


def record_batch(
    batch: Batch,
    *,
    cursors: dict[str, str],
    leadership: Leadership,
    policy_of: PolicyOf,
    now: datetime,
    random: Random,
) -> Recorded:
    """Write the batch and the cursors, in the caller's transaction.

    Raises `Deposed` if we lead no more; the transaction must not be committed then.
    """
    done = Recorded()
    leadership.confirm(now)
    _record_successes([e for e in batch.endings if e.outcome is Outcome.SUCCEEDED], done)
    failures = [e for e in batch.endings if e.outcome is not Outcome.SUCCEEDED]
    if failures:
        record_failures(failures, done, policy_of, now, random)
    note_attempts(batch.echoes)
    if batch.untouched:
        # What may never run twice was marked as sent; it was not begun.
        Subtask.objects.filter(pk__in=batch.untouched, state=SubtaskState.QUEUED).update(
            state=SubtaskState.WAITING
        )
    _move_counters(done)
    if cursors:
        _move_cursors(cursors)
    return done


def _record_successes(endings: list[Ending], done: Recorded) -> None:
    if not endings:
        return
    rows = [_success_row(ending) for ending in endings]
    with connection.cursor() as cursor:
        with transaction.atomic():
            cursor.executemany(SUCCEED, rows)
            alone = cursor.rowcount == len(rows)
            if not alone:
                transaction.set_rollback(True)
        accepted = endings if alone else _one_by_one(cursor, endings, rows)
    for ending in accepted:
        if not ending.ready.reduce:
            done.counts.setdefault(ending.job, Counter())["succeeded"] += 1
        done.touched.add(ending.job)
    done.accepted += accepted
    note_attempts([e for e in accepted if e.ready.number > 1])


def _one_by_one(cursor: Any, endings: list[Ending], rows: list[tuple]) -> list[Ending]:
    """Some of them lost a race: find out which won."""

    def won(row: tuple) -> bool:
        cursor.execute(SUCCEED, row)
        return bool(cursor.rowcount == 1)

    return [ending for ending, row in zip(endings, rows, strict=True) if won(row)]


def _success_row(ending: Ending) -> tuple:
    return (
        ending.result,
        ending.node,
        ending.attempt,
        ending.ready.number,
        _adapt(ending.started),
        _adapt(ending.ended),
        ending.ready.subtask,
    )


def _move_counters(done: Recorded) -> None:
    # In one order for everybody: whoever submits a child locks its parents in it too.
    for job, counts in sorted(done.counts.items()):
        moves = {name: F(name) + count for name, count in counts.items()}
        Job.objects.filter(pk=job).update(**moves)


def _move_cursors(cursors: dict[str, str]) -> None:
    ReportCursor.objects.bulk_create(
        [ReportCursor(node=node, entry=entry) for node, entry in cursors.items()],
        update_conflicts=True,
        unique_fields=["node"],
        update_fields=["entry"],
    )


def _adapt(seconds: float | None) -> object:
    """A time as the raw statement needs it: what Django's own backend would pass."""
    return connection.ops.adapt_datetimefield_value(moment(seconds))
