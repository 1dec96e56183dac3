"""Commits what happened and keeps the leader's memory in step with it."""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from itertools import islice

from django.db import transaction

from hive_site.kernel.crash import crash_point
from jobs.descendants import (
    AT_ONCE,
    forgotten,
    lock_parents_of,
    settle_waiting,
    settle_with_children,
)
from jobs.domain.backlog import Line
from jobs.domain.batch import Batch
from jobs.domain.bundles import Pace
from jobs.domain.echoes import mistrust_interruptions, set_aside_echoes
from jobs.domain.flight import Sent
from jobs.failures import Recorded
from jobs.finisher import Settled, cancel_rest, stop_job
from jobs.known_results import KNOWN_AT_ONCE, look_up, worth_keeping
from jobs.large_results import store_large
from jobs.loader import load_reduction
from jobs.memory import Memory
from jobs.recorder import record_batch
from jobs.spawning import store_submissions
from nodes.wire import attempt_token


class Bookkeeper:
    """One leader's pen. Every transaction confirms first that we lead."""

    def __init__(self, memory: Memory, pace: Pace) -> None:
        self._memory, self._pace = memory, pace
        #: Bundles that are over, but still in the ledger if Redis was away.
        self._spent: list[Sent] = []
        #: Jobs that are new here: let go by their parents, or submitted by a task.
        self.arrived: set[str] = set()
        #: Whether more was to be settled than one transaction takes.
        self._more_to_settle = False

    @contextmanager
    def taking_arrived(self) -> Iterator[set[str]]:
        """Those that arrived until now; meanwhile others may. An outage leaves them all."""
        taken, self.arrived = self.arrived, set()
        try:
            yield taken
        except BaseException:
            self.arrived |= taken
            raise

    def commit(self, batch: Batch, cursors: dict[str, str], now: datetime) -> None:
        """Record a batch with its cursors; then remember, tidy Redis, and tell waiters."""
        if batch.is_empty and not cursors:
            return
        mistrust_interruptions(batch, self._memory.is_stopped)
        set_aside_echoes(batch, self._memory.flight)
        batch.hush(self._memory.backlog.__contains__)
        batch.endings = store_large(batch.endings)
        batch.untouched = self._memory.untouched_once(batch.returned)
        with transaction.atomic():
            done = record_batch(
                batch,
                cursors=cursors,
                leadership=self._memory.leadership,
                policy_of=self._memory.policy_of,
                now=now,
                random=self._memory.random,
            )
            self._memory.cache.store(worth_keeping(done.accepted, self._memory), now)
            submitted = store_submissions(batch.submissions, now)
            broken_off = self._break_off_failed(done)
            settled = self._settle_recorded(done, now)
            crash_point("foreman.recording")
        crash_point("foreman.recorded")
        self.arrived |= submitted
        handed_back = self._memory.jobs_of(batch.returned)
        rivals = self._remember(batch, done, now)
        self._conclude(settled, done.touched | batch.speaking, cursors)
        crash_point("foreman.settled")
        self._stop_rivals(rivals)
        for line in self._lines(broken_off):
            self.stop(line, now)
        for line in self._lines(handed_back):
            if line.stopped:
                self._cancel_rest(line.order.job, now)

    def _lines(self, jobs: set[str]) -> list[Line]:
        return [line for job in sorted(jobs) if (line := self._memory.backlog.get(job))]

    def _settle_recorded(self, done: Recorded, now: datetime) -> list[Settled]:
        """End what this batch ended; asks the database only about jobs that may be at their end."""
        ended = Counter(ending.job for ending in done.accepted)
        jobs = {job for job in done.touched if self._memory.remaining(job) <= ended[job]}
        results = {
            ending.job: ending.result
            for ending in done.accepted
            if ending.ready.reduce or self._memory.is_single(ending.job)
        }
        return settle_with_children(jobs, now, seq=done.seq, results=results) if jobs else []

    def end_known(self, now: datetime) -> None:
        """End subtasks whose results are known, some of each job; they are never sent."""
        for line in self._memory.backlog.lines():
            if line.known and not (line.held or line.stopped):
                chunk = list(islice(line.known, KNOWN_AT_ONCE))
                ended, again = look_up(line, chunk, self._memory, now)
                if ended:
                    self.commit(Batch(endings=ended), {}, now)
                # Only now: an outage leaves them to be tried again.
                for _ in chunk[: len(line.known)]:
                    line.known.popleft()
                line.ready.extendleft(again)

    def settle(self, jobs: set[str], now: datetime) -> None:
        """End the jobs of these whose subtasks all ended, some of them in each transaction."""
        ids = sorted(jobs)
        for start in range(0, len(ids), AT_ONCE):
            some = set(ids[start : start + AT_ONCE])
            with transaction.atomic():
                seq = self._memory.leadership.confirm(now)
                settled = settle_with_children(some, now, seq=seq)
            self._conclude(settled, {one.job for one in settled}, {})

    def unblock(self, now: datetime, jobs: set[str] | None = None) -> None:
        """Let go or end blocked jobs, of these or of all, whose parents have decided.

        Whoever ends a parent sees to that; here is found what was too much for one transaction,
        and what slipped through.
        """
        found = forgotten(jobs, limit=AT_ONCE + 1)
        settled: list[Settled] = []
        if found:
            with transaction.atomic():
                seq = self._memory.leadership.confirm(now)
                # Or somebody retries a parent while its children end because of it.
                lock_parents_of(found[:AT_ONCE])
                settled = settle_waiting(found[:AT_ONCE], now, seq)
        more = bool(jobs and self._more_to_settle) or len(found) > AT_ONCE
        self._more_to_settle = more
        if settled:
            self._conclude(settled, set(), {})

    def go_on_settling(self, now: datetime) -> None:
        """Settle what was too much for one transaction, as much as the next one takes."""
        if self._more_to_settle:
            self.unblock(now)

    def stop(self, line: Line, now: datetime) -> None:
        """Cancel what waits, take back what no slot has begun, interrupt what runs."""
        job, dispatcher = line.order.job, self._memory.dispatcher
        sent = self._memory.flight.of_job(job)
        if sent:
            dispatcher.stop(line.order.stop_token, {bundle.node for bundle in sent})
        crash_point("foreman.cancelling")
        popped = set()
        for bundle in sent:
            if not dispatcher.withdraw(bundle, halt=True):
                popped.add(bundle.node)
                continue
            for attempt in list(bundle.open):
                self._memory.close(attempt, again=False)
        if popped:  # what was begun while the others were withdrawn
            dispatcher.wake(popped)
        self._cancel_rest(job, now)
        # Last: what an outage interrupted is found again by who compares lines with the database.
        line.stopped = True
        line.drop()

    def break_off(self, line: Line, error: str, now: datetime) -> None:
        """End a job before its time, as failed with `error` (JSON text)."""
        if stop_job(line.order.job, error=error):
            self.stop(line, now)

    def _cancel_rest(self, job: str, now: datetime) -> None:
        with transaction.atomic():
            seq = self._memory.leadership.confirm(now)
            cancel_rest(job, in_flight=self._memory.open_subtasks(job), now=now, seq=seq)
            settled = settle_with_children({job}, now, seq=seq)
        if line := self._memory.backlog.get(job):
            line.remaining = len(self._memory.open_subtasks(job))
        self._conclude(settled, {job}, {})

    def _stop_rivals(self, attempts: list[int]) -> None:
        """Nobody needs these copies any more."""
        for attempt in attempts:
            if sent := self._memory.flight.of_attempt(attempt):
                self._memory.dispatcher.stop(attempt_token(attempt), {sent.node})

    def _remember(self, batch: Batch, done: Recorded, now: datetime) -> list[int]:
        """Bring memory up to date; the attempts that work on in vain."""
        memory = self._memory
        ended = batch.endings + batch.echoes
        for ending in done.accepted:
            memory.share(ending)
        spent = [memory.close(ending.attempt, again=False) for ending in ended]
        rivals = [attempt for ending in done.accepted for attempt in memory.decide(ending)]
        spent += [memory.close(attempt, again=True) for attempt in batch.returned]
        for ending, verdict in done.again:
            memory.retry(ending, verdict.at)
        for job, seconds in batch.paces:
            if line := memory.backlog.get(job):
                self._pace.learn(line.order.task, seconds)
        for job, took in batch.samples:
            if line := memory.backlog.get(job):
                self._pace.sample(line.order.task, took)
        counts = done.counts.values()
        memory.rates.add(
            now.timestamp(),
            succeeded=sum(count["succeeded"] for count in counts),
            failed=sum(count["failed"] for count in counts),
            retried=len(done.again),
            nodes=(ending.node for ending in done.accepted),
        )
        self._spent += filter(None, spent)
        return rivals

    def _break_off_failed(self, done: Recorded) -> set[str]:
        """In the transaction of the failure: jobs that one failure ends are being stopped."""
        return {
            line.order.job
            for line in self._lines(set(done.failed_jobs))
            if line.order.fail_fast
            and stop_job(line.order.job, error=done.failed_jobs[line.order.job])
        }

    def _conclude(self, settled: list[Settled], touched: set[str], cursors: dict[str, str]) -> None:
        self._more_to_settle |= any(one.more for one in settled)
        settled = [one for one in settled if not one.more]
        ended = [one.job for one in settled if one.state]
        for one in settled:
            self._memory.end(one)
        self.arrived |= {one.job for one in settled if one.released}
        touched = touched.union(one.job for one in settled)
        for one in settled:
            line = self._memory.backlog.get(one.job)
            if one.reduction_ready and line and (ready := load_reduction(one.job)):
                line.remaining += 1
                if line.is_past(ready):
                    line.ready.append(ready)
        changed = json.dumps({"jobs": sorted(touched), "ended": ended}) if touched else None
        self._memory.dispatcher.settle(cursors=cursors, bundles=self._spent, changed=changed)
        self._spent = []
