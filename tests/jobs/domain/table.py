"""The database in memory: jobs and subtasks, with the guards of the recorder and the finisher."""

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from random import Random
from typing import Any

from jobs.domain.backlog import Line, Order, Ready
from jobs.domain.batch import Batch, Ending
from jobs.domain.ending import Counts, final_state
from jobs.domain.flight import Flight
from jobs.domain.retry import Policy, Tally, Verdict, decide
from jobs.domain.states import JOB_OPEN, OPEN, JobState, Outcome, SubtaskState
from jobs.failures import COUNTED_AS, TALLIED, PolicyOf, Recorded
from jobs.finisher import Settled


@dataclass
class Row:
    """A subtask."""

    id: int
    job: str
    index: int
    reduce: bool
    state: SubtaskState = SubtaskState.WAITING
    attempt: int = 0
    attempts: int = 0
    tally: Tally = field(default_factory=Tally)
    crashed_on: frozenset[str] = frozenset()
    retry_at: datetime | None = None
    result: str | None = None

    def ready(self) -> Ready:
        return Ready(self.id, self.index, self.attempts + 1, "1", self.reduce, self.crashed_on)


@dataclass
class JobRow:
    """A job."""

    order: Order
    state: JobState = JobState.QUEUED
    counts: Counter[str] = field(default_factory=Counter)
    error: str = ""
    rounds: int = 1

    @property
    def remaining(self) -> int:
        return self.order.total - self.counts.total()


class Table:
    """All rows."""

    def __init__(self) -> None:
        self.rows: dict[int, Row] = {}
        self.jobs: dict[str, JobRow] = {}

    def submit(self, order: Order, *, reduce: bool) -> None:
        """A new job."""
        self.jobs[order.job] = JobRow(order)
        for index in range(order.total + reduce):
            row = Row(len(self.rows) + 1, order.job, index, reduce=index == order.total)
            if row.reduce:
                row.state = SubtaskState.BLOCKED
            self.rows[row.id] = row

    def of(self, job: str) -> list[Row]:
        return [row for row in self.rows.values() if row.job == job]

    def open_jobs(self) -> list[str]:
        return [job for job, row in self.jobs.items() if row.state in JOB_OPEN]

    def release(self, row: Row) -> None:
        """As `release_subtask` does it."""
        job = self.jobs[row.job]
        row.state, row.tally = SubtaskState.WAITING, Tally()
        job.counts["failed"] -= 1
        if job.state not in JOB_OPEN:
            self._open_round(job)
            for other in self.of(row.job):
                if other.reduce:
                    other.state, other.tally = SubtaskState.BLOCKED, Tally()

    def retry(self, job: str) -> None:
        """As `retry_job` does it."""
        row = self.jobs[job]
        self._open_round(row)
        row.counts["failed"] = row.counts["cancelled"] = 0
        again = [one for one in self.of(job) if one.state != SubtaskState.SUCCEEDED]
        items = any(not one.reduce for one in again)
        for one in self.of(job):
            if one in again or one.reduce:
                blocked = one.reduce and items
                one.state = SubtaskState.BLOCKED if blocked else SubtaskState.WAITING
                one.tally = Tally()

    def _open_round(self, job: JobRow) -> None:
        job.rounds += 1
        job.order = replace(job.order, stop_token=f"{job.order.job}.{job.rounds}")
        job.state, job.error = JobState.QUEUED, ""

    def fill(self, line: Line, flight: Flight) -> None:
        """As `jobs.loader.fill` does it, in one page."""
        if line.exhausted:
            return
        line.exhausted = True
        states = {SubtaskState.WAITING, SubtaskState.RETRYING}
        if not line.order.once:
            states |= {SubtaskState.QUEUED, SubtaskState.RUNNING}
        for row in self.of(line.order.job):
            if row.state not in states or flight.holds(row.id):
                continue
            if row.state == SubtaskState.RETRYING and row.retry_at:
                line.put_off(row.ready(), row.retry_at.timestamp())
            else:
                line.ready.append(row.ready())

    @contextmanager
    def atomic(self) -> Iterator[None]:
        """A transaction: all or nothing."""
        rows = {row.id: replace(row) for row in self.rows.values()}
        jobs = {name: replace(job, counts=job.counts.copy()) for name, job in self.jobs.items()}
        try:
            yield
        except BaseException:
            self.rows, self.jobs = rows, jobs
            raise

    def record_batch(
        self,
        batch: Batch,
        *,
        leadership: Any,
        policy_of: PolicyOf,
        now: datetime,
        random: Random,
        cursors: Any,
    ) -> Recorded:
        """As `jobs.recorder.record_batch` does it."""
        done = Recorded()
        leadership.confirm(now)
        for ending in batch.endings:
            if ending.outcome is Outcome.SUCCEEDED:
                self._succeed(ending, done)
        was = {row.id: replace(row) for row in self.rows.values() if row.state in OPEN}
        for ending in batch.endings:
            row = was.get(ending.ready.subtask)
            if ending.outcome is not Outcome.SUCCEEDED and row:
                self._fail(ending, row, policy_of(ending.job, reduce=False), done, now, random)
        for subtask in batch.untouched:
            if self.rows[subtask].state == SubtaskState.QUEUED:
                self.rows[subtask].state = SubtaskState.WAITING
        for job, counts in done.counts.items():
            self.jobs[job].counts.update(counts)
        return done

    def _succeed(self, ending: Ending, done: Recorded) -> None:
        row = self.rows[ending.ready.subtask]
        if row.state in OPEN:
            row.state, row.attempt, row.result = SubtaskState.SUCCEEDED, ending.attempt, "1"
            row.attempts, row.retry_at = ending.ready.number, None
            self._accept(ending, row, done)

    def _fail(
        self,
        ending: Ending,
        was: Row,
        policy: Policy | None,
        done: Recorded,
        now: datetime,
        random: Random,
    ) -> None:
        row = self.rows[was.id]
        if ending.attempt <= was.attempt:
            done.again.append((ending, Verdict(was.state, at=was.retry_at)))
            return
        if ending.outcome is Outcome.CRASHED:
            was.crashed_on |= {ending.node}
        kind = TALLIED.get(ending.outcome, "")
        grown = {kind: getattr(was.tally, kind) + 1} if kind else {}
        tally = replace(was.tally, **grown, crash_nodes=len(was.crashed_on))
        verdict = Verdict(SubtaskState.CANCELLED)
        if policy:
            wish = {"final": ending.final, "after": ending.after}
            verdict = decide(ending.outcome, tally, policy, now=now, random=random, **wish)
        if row.state not in OPEN:
            return
        row.state, row.tally, row.retry_at = verdict.state, tally, verdict.at
        row.attempt, row.attempts = ending.attempt, ending.ready.number
        row.crashed_on = was.crashed_on
        if verdict.state in OPEN:
            done.touched.add(row.job)
            done.again.append((ending, verdict))
            return
        if verdict.state in (SubtaskState.FAILED, SubtaskState.QUARANTINED):
            done.failed_jobs.setdefault(row.job, "error")
        self._accept(ending, row, done)

    def _accept(self, ending: Ending, row: Row, done: Recorded) -> None:
        done.touched.add(row.job)
        done.accepted.append(ending)
        if not row.reduce:
            done.counts.setdefault(row.job, Counter())[COUNTED_AS[row.state]] += 1

    def settle_jobs(
        self, jobs: Iterable[str], now: datetime, *, seq: int, results: Any = None
    ) -> list[Settled]:
        """As `jobs.finisher.settle_jobs` does it."""
        found = [self._settle(self.jobs[job], job) for job in jobs if job in self.open_jobs()]
        return [settled for settled in found if settled]

    def _settle(self, row: JobRow, job: str) -> Settled | None:
        counts = Counts(
            row.order.total, *(row.counts[name] for name in ("succeeded", "failed", "cancelled"))
        )
        stopped = row.state == JobState.CANCELLING
        reduction = next((one for one in self.of(job) if one.reduce), None)
        if not counts.all_ended or (reduction and reduction.state in OPEN - {SubtaskState.BLOCKED}):
            return None
        if reduction and reduction.state == SubtaskState.BLOCKED:
            if counts.succeeded and not stopped:
                reduction.state = SubtaskState.WAITING
                return Settled(job, reduction_ready=True)
            reduction.state = SubtaskState.CANCELLED
        row.state = final_state(counts, stopped=stopped, broken=bool(row.error))
        return Settled(job, state=row.state)

    def cancel_rest(self, job: str, *, in_flight: set[int], now: datetime, seq: int) -> None:
        """As `jobs.finisher.cancel_rest` does it."""
        for row in self.of(job):
            spared = in_flight if row.reduce else row.id in in_flight
            if row.state in OPEN and not spared:
                row.state, row.retry_at = SubtaskState.CANCELLED, None
                self.jobs[job].counts["cancelled"] += not row.reduce

    def stop_job(self, job: str, *, error: str) -> bool:
        """As `jobs.finisher.stop_job` does it."""
        row = self.jobs[job]
        if row.state not in JOB_OPEN - {JobState.CANCELLING}:
            return False
        row.state, row.error = JobState.CANCELLING, error
        return True
