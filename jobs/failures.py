"""What became of subtasks whose attempts did not succeed: another try, or an end with a reason."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import Protocol

from jobs.domain.batch import Ending
from jobs.domain.retry import Policy, Tally, Verdict, decide
from jobs.domain.states import OPEN, Outcome, SubtaskState
from jobs.models import Attempt, Subtask

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


@dataclass(slots=True)
class Recorded:
    """What a transaction decided, for the leader's memory."""

    #: Its number; numbers grow with every transaction of whatever leader.
    seq: int = 0
    accepted: list[Ending] = field(default_factory=list)
    #: Subtasks that are tried again, with the verdict that says when.
    again: list[tuple[Ending, Verdict]] = field(default_factory=list)
    #: Jobs whose counters moved.
    touched: set[str] = field(default_factory=set)
    failed_jobs: dict[str, str] = field(default_factory=dict)
    counts: dict[str, Counter[str]] = field(default_factory=dict)


class PolicyOf(Protocol):
    """How a job, or its reduction, wants its failures taken; None when it is being cancelled."""

    def __call__(self, job: str, *, reduce: bool) -> Policy | None: ...


def record_failures(
    endings: list[Ending], done: Recorded, policy_of: PolicyOf, now: datetime, random: Random
) -> None:
    """Move every subtask by its ending, if it is open and the ending is news."""
    ids = [ending.ready.subtask for ending in endings]
    rows = {row.pk: row for row in Subtask.objects.filter(pk__in=ids, state__in=OPEN_STATES)}
    note_attempts(endings, now)
    for ending in endings:
        row = rows.get(ending.ready.subtask)
        if row is None:
            continue
        if ending.attempt <= row.attempt:
            # Of an older copy, or recorded by a commit whose answer was lost: the row knows best.
            done.again.append((ending, Verdict(SubtaskState(row.state), at=row.retry_at)))
            continue
        tally = _tally(row, ending)
        policy = policy_of(ending.job, reduce=ending.ready.reduce)
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
        _apply(row, ending, verdict, tally, done, now=now)


def _tally(row: Subtask, ending: Ending) -> Tally:
    grown = Counter({"errors": row.errors, "crashes": row.crashes, "losses": row.losses})
    if ending.outcome in TALLIED:
        grown[TALLIED[ending.outcome]] += 1
    nodes = 0
    if ending.outcome is Outcome.CRASHED:
        crashed = row.tries.filter(outcome=Outcome.CRASHED).values_list("node", flat=True)
        nodes = len({*crashed, ending.node})
    return Tally(grown["errors"], grown["crashes"], grown["losses"], nodes)


def _apply(
    row: Subtask, ending: Ending, verdict: Verdict, tally: Tally, done: Recorded, *, now: datetime
) -> None:
    ended = verdict.state in COUNTED_AS
    moved = Subtask.objects.filter(pk=row.pk, state__in=OPEN_STATES).update(
        state=verdict.state,
        error=_explain(ending.error, verdict.reason),
        node=ending.node,
        placed=ending.placed,
        attempt=ending.attempt,
        attempts=ending.ready.number,
        errors=tally.errors,
        crashes=tally.crashes,
        losses=tally.losses,
        retry_at=verdict.at,
        started_at=moment(ending.started) if ended else None,
        finished_at=(moment(ending.ended) or now) if ended else None,
        seq=done.seq if ended else 0,
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


def note_attempts(endings: Iterable[Ending], now: datetime) -> None:
    """Keep these attempts for whoever asks what happened; what ended unseen, ended by now."""
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
                ended_at=moment(ending.ended) or now,
            )
            for ending in endings
        ),
        ignore_conflicts=True,
    )


def moment(seconds: float | None) -> datetime | None:
    """Unix seconds as a time of the database."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
