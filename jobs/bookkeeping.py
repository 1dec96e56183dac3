"""Commits what happened and keeps the leader's memory in step with it."""

import json
from collections import Counter
from datetime import datetime

from django.db import transaction

from jobs.domain.backlog import Line
from jobs.domain.batch import Batch
from jobs.domain.bundles import Pace
from jobs.domain.flight import Sent
from jobs.finisher import Settled, cancel_rest, settle_jobs, stop_job
from jobs.loader import load_reduction
from jobs.memory import Memory
from jobs.recorder import Recorded, record_batch


class Bookkeeper:
    """One leader's pen. Every transaction confirms first that we lead."""

    def __init__(self, memory: Memory, pace: Pace) -> None:
        self._memory, self._pace = memory, pace
        #: Bundles that are over, but still in the ledger if Redis was away.
        self._spent: list[Sent] = []

    def commit(self, batch: Batch, cursors: dict[str, str], now: datetime) -> None:
        """Record a batch with its cursors; then remember, tidy Redis, and tell waiters."""
        if not (batch.endings or batch.returned or cursors):
            return
        with transaction.atomic():
            done = record_batch(
                batch,
                cursors=cursors,
                leadership=self._memory.leadership,
                policy_of=self._memory.policy_of,
                now=now,
                random=self._memory.random,
            )
            broken_off = self._break_off_failed(done)
            settled = self._settle_recorded(done, now)
        handed_back = self._memory.jobs_of(batch.returned)
        self._remember(batch, done, now)
        self._conclude(settled, done.touched, cursors)
        for line in self._lines(broken_off):
            self.stop(line, now)
        for line in self._lines(handed_back):
            if line.stopped:
                self._cancel_rest(line.order.job, now)

    def _lines(self, jobs: set[str]) -> list[Line]:
        return [line for job in jobs if (line := self._memory.backlog.get(job))]

    def _settle_recorded(self, done: Recorded, now: datetime) -> list[Settled]:
        """End what this batch ended; asks the database only about jobs that may be at their end."""
        ended = Counter(ending.job for ending in done.accepted)
        jobs = {job for job in done.touched if self._memory.remaining(job) <= ended[job]}
        results = {
            ending.job: ending.result
            for ending in done.accepted
            if ending.ready.reduce or self._memory.is_single(ending.job)
        }
        return settle_jobs(jobs, now, results=results) if jobs else []

    def settle(self, jobs: set[str], now: datetime) -> None:
        """End the jobs of these whose subtasks all ended."""
        with transaction.atomic():
            self._memory.leadership.confirm(now)
            settled = settle_jobs(jobs, now)
        self._conclude(settled, {one.job for one in settled}, {})

    def stop(self, line: Line, now: datetime) -> None:
        """Cancel what waits, take back what no slot has begun, interrupt what runs."""
        job, dispatcher = line.order.job, self._memory.dispatcher
        line.stopped = True
        line.ready.clear()
        line.later.clear()
        sent = self._memory.flight.of_job(job)
        if sent:
            dispatcher.stop(line.order.stop_token, {bundle.node for bundle in sent})
        for bundle in sent:
            if dispatcher.withdraw(bundle):
                for attempt in list(bundle.open):
                    self._memory.close(attempt, again=False)
        self._cancel_rest(job, now)

    def break_off(self, line: Line, error: str, now: datetime) -> None:
        """End a job before its time, as failed with `error` (JSON text)."""
        if stop_job(line.order.job, error=error):
            self.stop(line, now)

    def _cancel_rest(self, job: str, now: datetime) -> None:
        with transaction.atomic():
            self._memory.leadership.confirm(now)
            cancel_rest(job, in_flight=self._memory.open_subtasks(job), now=now)
            settled = settle_jobs({job}, now)
        if line := self._memory.backlog.get(job):
            line.remaining = line.in_flight
        self._conclude(settled, {job}, {})

    def _remember(self, batch: Batch, done: Recorded, now: datetime) -> None:
        memory = self._memory
        spent = [memory.close(ending.attempt, again=False) for ending in batch.endings]
        spent += [memory.close(attempt, again=True) for attempt in batch.returned]
        for ending, verdict in done.again:
            memory.retry(ending, verdict.at)
        for job, seconds in batch.paces:
            if line := memory.backlog.get(job):
                self._pace.learn(line.order.task, seconds)
        counts = done.counts.values()
        memory.rates.add(
            now.timestamp(),
            succeeded=sum(count["succeeded"] for count in counts),
            failed=sum(count["failed"] for count in counts),
        )
        self._spent += filter(None, spent)

    def _break_off_failed(self, done: Recorded) -> set[str]:
        """In the transaction of the failure: jobs that one failure ends are being stopped."""
        return {
            line.order.job
            for line in self._lines(set(done.failed_jobs))
            if line.order.fail_fast
            and stop_job(line.order.job, error=done.failed_jobs[line.order.job])
        }

    def _conclude(self, settled: list[Settled], touched: set[str], cursors: dict[str, str]) -> None:
        ended = [one.job for one in settled if one.state]
        for job in ended:
            self._memory.backlog.close(job)
        for one in settled:
            line = self._memory.backlog.get(one.job)
            if one.reduction_ready and line and (ready := load_reduction(one.job)):
                line.remaining += 1
                if line.is_past(ready):
                    line.ready.append(ready)
        changed = json.dumps({"jobs": sorted(touched), "ended": ended}) if touched else None
        self._memory.dispatcher.settle(cursors=cursors, bundles=self._spent, changed=changed)
        self._spent = []
