"""The work that the Foreman places: the leader's memory, kept true to the database."""

import json
from collections import deque
from datetime import datetime, timedelta
from random import Random
from typing import Any

import structlog
from django.db import DataError, IntegrityError, transaction
from redis import Redis

from jobs.dispatch import Dispatcher
from jobs.domain.backlog import Backlog, Line, Ready
from jobs.domain.batch import Batch, lose, read_report
from jobs.domain.bundles import Pace
from jobs.domain.flight import Flight, Sent
from jobs.domain.retry import Policy
from jobs.domain.states import JobState
from jobs.finisher import Settled, cancel_rest, settle_jobs
from jobs.housekeeping import Housekeeping
from jobs.loader import fill, load_open, load_reduction, open_line
from jobs.models import Job
from jobs.planner import Planner
from jobs.recorder import Recorded, as_ready, record_batch
from nodes.domain.scoring import Weights
from nodes.leadership import Leadership
from nodes.ports import Mail, Report, Wakeup
from nodes.roster import Roster

log = structlog.get_logger()
POISON = (DataError, IntegrityError, ValueError, TypeError, KeyError, OverflowError)
RATE_SECONDS = 10


class JobsWorkload:
    """Implements `nodes.ports.Workload` for jobs."""

    def __init__(
        self, client: Redis, *, fleet_key: str, weights: Weights, random: Random | None = None
    ) -> None:
        self._random = random or Random()
        self._weights = weights
        self.dispatcher = Dispatcher(client, fleet_key=fleet_key)
        self.backlog, self.flight, self.pace = Backlog(), Flight(), Pace()
        self.roster: Roster | None = None
        self.dropped = self.dead_letters = 0
        self._rates: deque[tuple[float, int, int]] = deque()
        self._housekeeping = Housekeeping(self)
        self._planner = Planner(self.backlog, self.flight, self.pace, weights, self._random)

    # --- leadership

    def take_over(self, leadership: Leadership, now: datetime) -> None:
        """See `Workload.take_over`."""
        self.leadership = leadership
        self.backlog, self.flight = Backlog(), Flight()
        self.dispatcher.epoch = leadership.epoch
        self._planner = Planner(
            self.backlog,
            self.flight,
            self.pace,
            self._weights,
            self._random,
            leadership.epoch,
            refill=lambda line: fill(line, self.flight),
        )
        self._housekeeping = Housekeeping(self)
        self._recall_flight()
        for job in Job.objects.open().order_by("pk"):
            self.admit(job, now)
        self._housekeeping.settle_all(now)

    def _recall_flight(self) -> None:
        from nodes.models import Node

        entries = self.dispatcher.ledger(Node.objects.values_list("name", flat=True))
        known = load_open({subtask for entry in entries for subtask in entry.subtasks})
        spent = []
        for entry in entries:
            open_: dict[int, Ready] = {}
            for attempt, subtask in enumerate(entry.subtasks, start=entry.first):
                ready, closed = known.get(subtask, (None, 0))
                if ready is not None and attempt > closed:
                    open_[attempt] = ready
            sent = Sent(
                id=entry.bundle,
                node=entry.node,
                incarnation=entry.incarnation,
                job=entry.job,
                first=entry.first,
                at=entry.at,
                items=[],
                gpus=entry.gpus,
                open=open_,
            )
            if open_:
                self.flight.add(sent)
            else:
                spent.append(sent)
        self.dispatcher.settle(cursors={}, bundles=spent, changed=None)

    # --- jobs come and change

    def heed(self, wakeups: list[Wakeup], now: datetime) -> None:
        """See `Workload.heed`."""
        jobs = {hint.subject for hint in wakeups if hint.what in ("job", "cancel")}
        if jobs:
            self.refresh(jobs, now)

    def refresh(self, jobs: set[str], now: datetime) -> None:
        """Bring these jobs' lines up to date with the database."""
        rows = {job.pk: job for job in Job.objects.open().filter(pk__in=jobs)}
        for job_id in jobs:
            row = rows.get(job_id)
            if row is None:
                self.backlog.close(job_id)
            else:
                self.admit(row, now)

    def admit(self, job: Job, now: datetime) -> None:
        """Give a job its line, or bring the line it has up to date."""
        line = self.backlog.get(job.pk)
        if line is None:
            if job.not_before and job.not_before > now and job.state != JobState.CANCELLING:
                self._housekeeping.expect(job.pk, job.not_before)
                return
            line = self.backlog.open(open_line(job))
            line.in_flight = sum(len(sent.open) for sent in self.flight.of_job(job.pk))
        line.held = job.state == JobState.PAUSED or self._housekeeping.queue_held(job.queue)
        if job.state == JobState.CANCELLING:
            self.stop(line, now)
        else:
            fill(line, self.flight)

    def stop(self, line: Line, now: datetime) -> None:
        """Cancel what waits, take back what no slot has begun, interrupt what runs."""
        job = line.order.job
        line.stopped = True
        line.ready.clear()
        line.later.clear()
        sent = self.flight.of_job(job)
        if sent:
            self.dispatcher.stop_job(job, {bundle.node for bundle in sent})
        for bundle in sent:
            if self.dispatcher.withdraw(bundle):
                self._forget(bundle, list(bundle.open))
        self._cancel_rest(job, now)

    def settle(self, jobs: set[str], now: datetime) -> None:
        """End the jobs of these whose subtasks all ended."""
        with transaction.atomic():
            self.leadership.confirm(now)
            settled = settle_jobs(jobs, now)
        self._after(settled, {one.job for one in settled}, {}, [])

    def _cancel_rest(self, job: str, now: datetime) -> None:
        running = {r.subtask for sent in self.flight.of_job(job) for r in sent.open.values()}
        with transaction.atomic():
            self.leadership.confirm(now)
            cancel_rest(job, in_flight=running, now=now)
            settled = settle_jobs({job}, now)
        self._after(settled, {job}, {}, [])

    # --- reports come in

    def record(self, mail: Mail, now: datetime) -> None:
        """See `Workload.record`. One poisonous report does not take its neighbours along."""
        batch = Batch()
        for report in mail.reports:
            read_report(report.body, report.node, self.flight, batch)
        try:
            self._commit(batch, mail.cursors, now)
        except POISON as error:
            self._isolate(mail, now, error)

    def _isolate(self, mail: Mail, now: datetime, error: Exception) -> None:
        if len(mail.reports) <= 1:
            self.dead_letters += 1
            log.error("report.dead_letter", error=str(error), reports=len(mail.reports))
            self._commit(Batch(), mail.cursors, now)
            return
        half = len(mail.reports) // 2
        # The cursors move with the second half: until then a restart reads everything again.
        self.record(Mail(reports=mail.reports[:half]), now)
        self.record(Mail(reports=mail.reports[half:], cursors=mail.cursors), now)

    def reclaim(self, node: str, reason: str, now: datetime) -> int:
        """See `Workload.reclaim`."""
        sent = self.flight.on(node)
        untouched = self.dispatcher.reclaim(node)
        batch = Batch()
        for bundle in sent:
            lose(bundle, untouched=bundle.id in untouched, reason=reason, batch=batch)
        self._commit(batch, {}, now)
        return sum(1 for _ in batch.endings) + len(batch.returned)

    def take_back(self, sent: Sent, now: datetime, *, reason: str) -> None:
        """A bundle that is nowhere to be found: its work is sent again."""
        batch = Batch()
        lose(sent, untouched=False, reason=reason, batch=batch)
        self._commit(batch, {}, now)

    def _commit(self, batch: Batch, cursors: dict[str, str], now: datetime) -> None:
        self.dropped += batch.dropped
        if not (batch.endings or batch.returned or cursors):
            return
        with transaction.atomic():
            done = record_batch(
                batch,
                cursors=cursors,
                leadership=self.leadership,
                policy_of=self._policy_of,
                now=now,
                random=self._random,
            )
            settled = settle_jobs(done.touched, now)
        self._remember(batch, done, cursors, settled, now)

    def _policy_of(self, job: str) -> Policy | None:
        line = self.backlog.get(job)
        return None if line is None or line.stopped else line.order.policy

    def _remember(
        self,
        batch: Batch,
        done: Recorded,
        cursors: dict[str, str],
        settled: list[Settled],
        now: datetime,
    ) -> None:
        spent: list[Sent] = []
        for ending in batch.endings:
            spent += self._close(ending.attempt, again=False)
        for attempt in batch.returned:
            spent += self._close(attempt, again=True)
        for ending, verdict, _ in done.again:
            self._again(ending, verdict.at)
        for job, seconds in batch.paces:
            if line := self.backlog.get(job):
                self.pace.learn(line.order.task, seconds)
        self._count(done, now)
        self._after(settled, done.touched, cursors, spent)
        for job, error in done.failed_jobs.items():
            line = self.backlog.get(job)
            if line and line.order.fail_fast and not line.stopped:
                self._housekeeping.break_off(line, error, now)
        for job in {s.job for s in spent}:
            line = self.backlog.get(job)
            if line and line.stopped and batch.returned:
                self._cancel_rest(job, now)

    def _close(self, attempt: int, *, again: bool) -> list[Sent]:
        """An attempt is over; with `again` its subtask is ready as before. The spent bundle."""
        sent = self.flight.of_attempt(attempt)
        ready = self.flight.close(attempt)
        if sent is None or ready is None:
            return []
        line = self.backlog.get(sent.job)
        if line:
            line.in_flight -= 1
            if again and not line.stopped and not self.flight.holds(ready.subtask):
                line.ready.appendleft(ready)
            elif not again:
                line.remaining -= 1
        return [] if sent.open else [sent]

    def _again(self, ending: Any, at: datetime | None) -> None:
        line = self.backlog.get(ending.job)
        if line is None or line.stopped or self.flight.holds(ending.ready.subtask):
            return
        line.remaining += 1
        crashed = ending.outcome == "crashed"
        avoid = ending.ready.avoid | ({ending.node} if crashed else frozenset())
        ready = as_ready(ending, avoid=avoid)
        if at is None:
            line.ready.appendleft(ready)
        else:
            line.put_off(ready, at.timestamp())

    def _forget(self, bundle: Sent, attempts: list[int]) -> None:
        for attempt in attempts:
            self._close(attempt, again=False)

    def _count(self, done: Recorded, now: datetime) -> None:
        succeeded = sum(counts["succeeded"] for counts in done.counts.values())
        failed = sum(counts["failed"] for counts in done.counts.values())
        self._rates.append((now.timestamp(), succeeded, failed))

    def _after(
        self,
        settled: list[Settled],
        touched: set[str],
        cursors: dict[str, str],
        spent: list[Sent],
    ) -> None:
        ended = [one.job for one in settled if one.state]
        for job in ended:
            self.backlog.close(job)
        for one in settled:
            line = self.backlog.get(one.job)
            if one.reduction_ready and line and (ready := load_reduction(one.job)):
                line.ready.append(ready)
        changed = json.dumps({"jobs": sorted(touched), "ended": ended}) if touched else None
        self.dispatcher.settle(cursors=cursors, bundles=spent, changed=changed)

    # --- work goes out

    def dispatch(self, roster: Roster, now: datetime) -> int:
        """See `Workload.dispatch`."""
        self.roster = roster
        planned = self._planner.plan(roster, now)
        if not planned:
            return 0
        try:
            self.dispatcher.push([(sent, line.order) for sent, line in planned], now)
        except BaseException:
            # Whether Redis took them is unknown. They stay in flight; the reconciler finds out.
            log.warning("bundles.unsure", bundles=len(planned))
            raise
        return sum(len(sent.items) for sent, _ in planned)

    def housekeep(self, roster: Roster, now: datetime) -> None:
        """See `Workload.housekeep`."""
        self.roster = roster
        self._housekeeping.tidy(roster, now)

    def next_due(self, now: datetime) -> timedelta:
        """See `Workload.next_due`."""
        times = [at for line in self.backlog.lines() if (at := line.next_due()) is not None]
        if not times:
            return timedelta(seconds=1)
        return timedelta(seconds=min(max(min(times) - now.timestamp(), 0.0), 1.0))

    def snapshot(self, now: datetime) -> dict[str, Any]:
        """See `Workload.snapshot`."""
        horizon = now.timestamp() - RATE_SECONDS
        while self._rates and self._rates[0][0] < horizon:
            self._rates.popleft()
        return {
            "active_subtasks": len(self.flight),
            "queues": self._housekeeping.queues(now),
            "throughput": {
                "succeeded_per_second": sum(row[1] for row in self._rates) / RATE_SECONDS,
                "failed_per_second": sum(row[2] for row in self._rates) / RATE_SECONDS,
            },
            "dropped_reports": self.dropped,
            "dead_letters": self.dead_letters,
        }

    def work_of(self, node: str) -> list[dict[str, Any]]:
        """See `Workload.work_of`."""
        return self._housekeeping.work_of(node)


__all__ = ["JobsWorkload", "Report"]
