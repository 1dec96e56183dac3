"""Writes what happened into the database: one transaction for a whole batch of reports.

Every move is guarded by the subtask's state, so recording twice changes nothing.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random

from django.db import connection, transaction
from django.db.models import F

from jobs.domain.batch import Batch, Ending
from jobs.domain.retry import Policy, Tally, Verdict, decide
from jobs.domain.states import OPEN, Outcome, SubtaskState
from jobs.models import Attempt, Job, Subtask
from nodes.leadership import Leadership
from nodes.records import move_cursors

OPEN_STATES = tuple(sorted(OPEN))
COUNTED_AS = {
    SubtaskState.SUCCEEDED: "succeeded",
    SubtaskState.FAILED: "failed",
    SubtaskState.QUARANTINED: "failed",
    SubtaskState.CANCELLED: "cancelled",
}
#: What the ending adds to a subtask's tally.
TALLIED = {
    Outcome.FAILED: "errors",
    Outcome.TIMEOUT: "errors",
    Outcome.CRASHED: "crashes",
    Outcome.LOST: "losses",
}
SUCCEED = f"""
    UPDATE jobs_subtask
       SET state = 'succeeded', result = %s, error = NULL, node = %s, attempt = %s, attempts = %s,
           started_at = %s, finished_at = %s, retry_at = NULL
     WHERE id = %s AND state IN ({", ".join(f"'{state}'" for state in OPEN_STATES)})
"""  # noqa: S608 the states are our own words


@dataclass(slots=True)
class Recorded:
    """What a transaction decided, for the leader's memory."""

    accepted: list[Ending] = field(default_factory=list)
    #: Subtasks that are tried again, with the verdict that says when.
    again: list[tuple[Ending, Verdict]] = field(default_factory=list)
    #: Jobs whose counters moved.
    touched: set[str] = field(default_factory=set)
    failed_jobs: dict[str, str] = field(default_factory=dict)
    counts: dict[str, Counter[str]] = field(default_factory=dict)


#: How a job wants its failures taken; None when it is being cancelled.
PolicyOf = Callable[[str], Policy | None]


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
        _record_failures(failures, done, policy_of, now, random)
    _note_attempts(batch.echoes)
    if batch.untouched:
        # What may never run twice was marked as sent; it was not begun.
        Subtask.objects.filter(pk__in=batch.untouched, state=SubtaskState.QUEUED).update(
            state=SubtaskState.WAITING
        )
    _move_counters(done)
    if cursors:
        move_cursors(cursors)
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
    _note_attempts([e for e in accepted if e.ready.number > 1])


def _one_by_one(cursor: object, endings: list[Ending], rows: list[tuple]) -> list[Ending]:
    """Some of them lost a race: find out which won."""
    accepted = []
    for ending, row in zip(endings, rows, strict=True):
        cursor.execute(SUCCEED, row)  # type: ignore[attr-defined]
        if cursor.rowcount == 1:  # type: ignore[attr-defined]
            accepted.append(ending)
    return accepted


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


def _record_failures(
    endings: list[Ending], done: Recorded, policy_of: PolicyOf, now: datetime, random: Random
) -> None:
    ids = [ending.ready.subtask for ending in endings]
    rows = {row.pk: row for row in Subtask.objects.filter(pk__in=ids, state__in=OPEN_STATES)}
    _note_attempts(endings)
    for ending in endings:
        row = rows.get(ending.ready.subtask)
        if row is None:
            continue
        if ending.attempt <= row.attempt:
            # Of an older copy, or recorded by a commit whose answer was lost: the row knows best.
            done.again.append((ending, Verdict(SubtaskState(row.state), at=row.retry_at)))
            continue
        tally = _tally(row, ending)
        policy = policy_of(ending.job)
        verdict = (
            decide(
                ending.outcome,
                tally,
                policy,
                now=now,
                random=random,
                final=ending.final,
                after=ending.after,
            )
            if policy
            else Verdict(SubtaskState.CANCELLED)
        )
        _apply(row, ending, verdict, tally, done)


def _tally(row: Subtask, ending: Ending) -> Tally:
    grown = Counter({"errors": row.errors, "crashes": row.crashes, "losses": row.losses})
    if ending.outcome in TALLIED:
        grown[TALLIED[ending.outcome]] += 1
    nodes = 0
    if ending.outcome is Outcome.CRASHED:
        crashed = row.tries.filter(outcome=Outcome.CRASHED).values_list("node", flat=True)
        nodes = len({*crashed, ending.node})
    return Tally(grown["errors"], grown["crashes"], grown["losses"], nodes)


def _apply(row: Subtask, ending: Ending, verdict: Verdict, tally: Tally, done: Recorded) -> None:
    ended = verdict.state in COUNTED_AS
    moved = Subtask.objects.filter(pk=row.pk, state__in=OPEN_STATES).update(
        state=verdict.state,
        error=_explain(ending.error, verdict.reason),
        node=ending.node,
        attempt=ending.attempt,
        attempts=ending.ready.number,
        errors=tally.errors,
        crashes=tally.crashes,
        losses=tally.losses,
        retry_at=verdict.at,
        started_at=moment(ending.started) if ended else None,
        finished_at=(moment(ending.ended) or datetime.now(UTC)) if ended else None,
    )
    if not moved:
        return
    done.touched.add(ending.job)
    if not ended:
        done.again.append((ending, verdict))
        return
    done.accepted.append(ending)
    if verdict.state in (SubtaskState.FAILED, SubtaskState.QUARANTINED):
        done.failed_jobs.setdefault(ending.job, ending.error or "")
    if not ending.ready.reduce:
        done.counts.setdefault(ending.job, Counter())[COUNTED_AS[verdict.state]] += 1


def _explain(error: str | None, reason: str) -> str | None:
    """The error with the reason why it is not tried again."""
    if not error or not reason:
        return error
    facts = json.loads(error)
    return json.dumps({**facts, "message": f"{facts['message']}; {reason}"}, ensure_ascii=False)


def _note_attempts(endings: Iterable[Ending]) -> None:
    Attempt.objects.bulk_create(
        (
            Attempt(
                id=ending.attempt,
                subtask_id=ending.ready.subtask,
                number=ending.ready.number,
                node=ending.node,
                outcome=ending.outcome,
                error=ending.error,
                started_at=moment(ending.started),
                ended_at=moment(ending.ended),
            )
            for ending in endings
        ),
        ignore_conflicts=True,
    )


def _move_counters(done: Recorded) -> None:
    for job, counts in done.counts.items():
        moves = {name: F(name) + count for name, count in counts.items()}
        Job.objects.filter(pk=job).update(**moves)


def moment(seconds: float | None) -> datetime | None:
    """Unix seconds as a time of the database."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def _adapt(seconds: float | None) -> object:
    """A time as the raw statement needs it: what Django's own backend would pass."""
    return connection.ops.adapt_datetimefield_value(moment(seconds))
