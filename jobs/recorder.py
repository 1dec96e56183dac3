"""Writes what happened into the database: one transaction for a whole batch of reports.

Every move is guarded by the subtask's state, so recording twice changes nothing.
"""

from collections import Counter
from datetime import datetime
from random import Random

from django.db.models import F

from jobs.domain.batch import Batch, Ending, Utterance
from jobs.domain.states import Outcome, SubtaskState
from jobs.failures import PolicyOf, Recorded, note_attempts, record_failures
from jobs.large_results import refuse_lost
from jobs.models import Job, LogChunk, Partial, Subtask
from jobs.successes import store_successes
from nodes.leadership import Leadership
from nodes.models import ReportCursor


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
    _record_successes([e for e in endings if e.outcome is Outcome.SUCCEEDED], done)
    failures = [e for e in endings if e.outcome is not Outcome.SUCCEEDED]
    if failures:
        record_failures(failures, done, policy_of, now, random)
    note_attempts(batch.echoes)
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


def _record_successes(endings: list[Ending], done: Recorded) -> None:
    if not endings:
        return
    accepted = store_successes(endings, done.seq)
    for ending in accepted:
        if not ending.ready.reduce:
            done.counts.setdefault(ending.job, Counter())["succeeded"] += 1
        done.touched.add(ending.job)
    done.accepted += accepted
    note_attempts([e for e in accepted if e.ready.number > 1 and e.attempt])


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
