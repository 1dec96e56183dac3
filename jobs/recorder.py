"""Writes what happened into the database: one transaction for a whole batch of reports.

Every move is guarded by the subtask's state, so recording twice changes nothing.
"""

from collections import Counter
from datetime import datetime
from operator import itemgetter
from random import Random

from django.db import connection

from jobs.domain.batch import Batch, Ending, Utterance
from jobs.domain.states import Outcome, SubtaskState
from jobs.failures import PolicyOf, Recorded, note_attempts, record_failures
from jobs.large_results import refuse_lost
from jobs.models import LogChunk, Partial, Subtask
from jobs.successes import store_successes
from nodes.leadership import Leadership

COUNTERS = ("succeeded", "failed", "cancelled")
#: In every batch, and so by hand: Django would take longer to write these than they take to run.
COUNT = f"UPDATE jobs_job SET {', '.join(f'{n} = {n} + %s' for n in COUNTERS)} WHERE id = %s"  # noqa: S608  # nosec B608  # constants of ours
MOVE_CURSOR = """
    INSERT INTO nodes_reportcursor (node, entry) VALUES (%s, %s)
        ON CONFLICT (node) DO UPDATE SET entry = excluded.entry
"""


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
    done.seq = leadership.confirm(now)
    endings = refuse_lost(batch.endings, now)
    _record_successes([e for e in endings if e.outcome is Outcome.SUCCEEDED], done, now)
    failures = [e for e in endings if e.outcome is not Outcome.SUCCEEDED]
    if failures:
        record_failures(failures, done, policy_of, now, random)
    note_attempts(batch.echoes, now)
    _record_speech(LogChunk, "text", batch.logs, done.seq)
    _record_speech(Partial, "value", batch.parts, done.seq)
    if batch.untouched:
        # What may never run twice was marked as sent; it was not begun.
        Subtask.objects.filter(pk__in=batch.untouched, state=SubtaskState.QUEUED).update(
            state=SubtaskState.WAITING
        )
    _move_counters(done)
    if cursors:
        _move_cursors(cursors)
    return done


def _record_successes(endings: list[Ending], done: Recorded, now: datetime) -> None:
    if not endings:
        return
    accepted = store_successes(endings, done.seq)
    for ending in accepted:
        if not ending.ready.reduce:
            done.counts.setdefault(ending.job, Counter())["succeeded"] += 1
        done.touched.add(ending.job)
    done.accepted += accepted
    note_attempts([e for e in accepted if e.ready.number > 1 and e.attempt], now)


def _record_speech(
    table: type[LogChunk | Partial], column: str, said: list[Utterance], seq: int
) -> None:
    """What was said before is left as it is: a report may come twice."""
    table.objects.bulk_create(
        (
            table(
                job_id=each.job,
                subtask_id=each.ready.subtask,
                attempt=each.attempt,
                number=each.ready.number,
                node=each.node,
                n=each.n,
                seq=seq,
                **{column: each.text},
            )
            for each in said
        ),
        ignore_conflicts=True,
    )


def _move_counters(done: Recorded) -> None:
    # In one order for everybody: whoever submits a child locks its parents in it too.
    rows = [(*(counts[name] for name in COUNTERS), job) for job, counts in done.counts.items()]
    if not rows:
        return
    with connection.cursor() as cursor:
        cursor.executemany(COUNT, sorted(rows, key=itemgetter(-1)))


def _move_cursors(cursors: dict[str, str]) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(MOVE_CURSOR, sorted(cursors.items()))
