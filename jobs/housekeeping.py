"""What is due by time alone: delayed jobs, deadlines, states for people."""

import json
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import structlog
from django.conf import settings
from django.db.models import Q
from django.db.models.functions import Coalesce

from jobs.bookkeeping import Bookkeeper
from jobs.domain.backlog import Line, Ready
from jobs.domain.flight import Sent
from jobs.domain.states import JOB_OPEN, JobState
from jobs.memory import Memory
from jobs.models import Job, Queue
from jobs.running import Run, show_running
from nodes.domain.beats import Running
from nodes.roster import Roster

log = structlog.get_logger()
POLL_SECONDS = 5.0
SHOW_RUNNING_AFTER_SECONDS = 1.0
#: Waiting work is told apart by its age in seconds.
AGES = (1.0, 10.0, 60.0)
#: At one look; thousands that began together become visible a second later.
SHOWN_AT_ONCE = 1000


class Housekeeping:
    """Belongs to one workload; everything it remembers is forgotten at a take-over."""

    def __init__(
        self,
        memory: Memory,
        book: Bookkeeper,
        *,
        refresh: Callable[[set[str], datetime], None],
        reread: Callable[[set[str], datetime], None],
    ) -> None:
        self._memory, self._book = memory, book
        self._refresh, self._reread = refresh, reread
        self._expected: dict[str, datetime] = {}
        self._shown: set[int] = set()
        #: What the nodes say of the attempts that tell how far they are, by bundle.
        self._told: dict[str, tuple[Ready, Running]] = {}
        self._running: dict[str, int] = {}
        self._held_queues = _paused_queues()
        self._polled_at = 0.0
        self._slots: dict[str, int] = {}

    def tidy(self, roster: Roster, now: datetime) -> None:
        """One round; called once a second."""
        self._slots = {seat.name: seat.beat.slots for seat in roster}
        self._book.go_on_settling(now)
        for job, due in list(self._expected.items()):
            if due <= now:
                del self._expected[job]
                self._refresh({job}, now)
        for line in self._memory.backlog.lines():
            if line.order.deadline and line.order.deadline <= now and not line.stopped:
                self._book.break_off(line, _facts("deadline", self._overdue(line)), now)
        self._show_running(roster, now)
        self._show_jobs(now)
        if now.timestamp() - self._polled_at >= POLL_SECONDS:
            self._polled_at = now.timestamp()
            self.poll(now)

    def _overdue(self, line: Line) -> str:
        """What to say of a job whose deadline passed: if nothing of it runs, what it waited for."""
        waited = line.awaiting_room
        if self.queue_held(line.order.queue):
            waited = f"queue {line.order.queue} is paused"
        elif line.held:
            waited = "it is paused"
        if line.in_flight or not waited:
            return "the job's deadline passed"
        return f"the job's deadline passed; it waited: {waited}"

    def starts_later(self, job: Job, now: datetime) -> bool:
        """Whether a job's time has not come; it is admitted when it has, or at its deadline."""
        if job.state in (JobState.CANCELLING, JobState.BLOCKED) or not job.not_before:
            return False
        due = min(job.not_before, job.deadline or job.not_before)
        if due <= now:
            return False
        self._expected[job.pk] = due
        return True

    def awaits_parents(self, job: Job, now: datetime) -> bool:
        """Whether a job waits for others, and no deadline ends that; it is looked at again then."""
        if job.state != JobState.BLOCKED or (job.deadline and job.deadline <= now):
            return False
        if job.deadline:
            self._expected[job.pk] = job.deadline
        return True

    def queue_held(self, queue: str) -> bool:
        """Whether an operator paused the queue."""
        return queue in self._held_queues

    def poll(self, now: datetime) -> None:
        """Hints may be lost: compare with the database. And what Redis missed, it is told now."""
        self._memory.dispatcher.settle(cursors={}, bundles=(), changed=None)
        self._held_queues = _paused_queues()
        self._book.unblock(now)
        # Whatever waits for others needs no line, only an eye on its deadline.
        waiting = Q(state=JobState.BLOCKED, deadline=None)
        rows = dict(Job.objects.open().exclude(waiting).values_list("pk", "state"))
        expected = {job for job in self._expected if rows.get(job) != JobState.CANCELLING}
        changed = {job for job in rows if job not in self._memory.backlog} - expected
        for line in self._memory.backlog.lines():
            job = line.order.job
            state = rows.get(job)
            held = state == JobState.PAUSED or self.queue_held(line.order.queue)
            # What is being cancelled may have been stopped by half when Redis went away.
            if state in (None, JobState.CANCELLING) or held != line.held:
                changed.add(job)
        if changed:
            self._refresh(changed, now)
        self._settle_idle(now)

    def _settle_idle(self, now: datetime) -> None:
        """Lines with nothing left: their jobs ended, or there is work that memory lost."""
        idle = {line.order.job for line in self._memory.backlog.lines() if line.is_empty}
        if idle:
            self._book.settle(idle, now)
            self._reread({job for job in idle if job in self._memory.backlog}, now)

    def _show_running(self, roster: Roster, now: datetime) -> None:
        """Subtasks that run for a second or more become visible in the database."""
        runs: list[Run] = []
        alive = set()
        self._told = {}
        for seat in roster:
            for running in seat.beat.running:
                incarnation = seat.beat.incarnation
                found = self._memory.flight.find(running.attempt, seat.name, incarnation)
                if found is None:
                    continue
                found[0].sign_at = max(found[0].sign_at, seat.seen_ms / 1000)
                alive.add(running.attempt)
                sent, ready = found
                if running.progress or running.message:
                    self._told[sent.id] = ready, running
                # What a node says of time is believed within what is possible.
                started = max(running.started_at, sent.at)
                old = now.timestamp() - started >= SHOW_RUNNING_AFTER_SECONDS
                if old and running.attempt not in self._shown and len(runs) < SHOWN_AT_ONCE:
                    runs.append(Run(ready.subtask, seat.name, started, sent.placed))
                    self._shown.add(running.attempt)
        self._shown &= alive
        show_running(runs)

    def _show_jobs(self, now: datetime) -> None:
        counts: Counter[str] = Counter()
        for node in self._slots:
            counts.update(sent.job for sent in self._begun(node))
        for line in self._memory.backlog.lines():
            job = line.order.job
            if line.in_flight and not (line.started or line.stopped):
                line.started = Job.objects.move(
                    job,
                    from_=frozenset({JobState.QUEUED}),
                    to=JobState.RUNNING,
                    started_at=Coalesce("started_at", now),
                )
            # By round: a retry by hand sets the row back.
            round_ = line.order.stop_token
            if counts[job] != self._running.get(round_, 0):
                self._running[round_] = counts[job]
                Job.objects.filter(pk=job, state__in=JOB_OPEN).update(running=counts[job])
        live = {line.order.stop_token for line in self._memory.backlog.lines()}
        self._running = {key: count for key, count in self._running.items() if key in live}

    def _begun(self, node: str) -> list[Sent]:
        """The bundles that a node's slots work on; what was sent behind them only waits there."""
        return self._memory.flight.on(node)[: self._slots.get(node, 1)]

    def queues(self, now: datetime) -> dict[str, dict[str, Any]]:
        """What waits in each queue: how much, for how many seconds at most, how much of it less
        than each of `AGES`, or longer; and how fast it comes and goes."""
        view: dict[str, dict[str, Any]] = {
            name: {"depth": 0, "oldest_wait": None, "paused": self.queue_held(name)}
            | {"ages": [0] * (len(AGES) + 1)}
            for name in settings.HIVE.queues
        }
        for line in self._memory.backlog.lines():
            row = view.get(line.order.queue)
            waiting = line.remaining - line.in_flight
            if row is None or waiting <= 0:
                continue
            row["depth"] += waiting
            wait = max(round(now.timestamp() - line.ready_since, 1), 0.0)
            row["oldest_wait"] = max(row["oldest_wait"] or 0.0, wait)
            row["ages"][bisect_right(AGES, wait)] += waiting
        depths = {name: row["depth"] for name, row in view.items()}
        flows = self._memory.rates.flows(depths, now.timestamp())
        return {name: row | flows[name] for name, row in view.items()}

    def work_of(self, node: str) -> list[dict[str, Any]]:
        """What each busy slot of a node has in hand: job, index, task, since when."""
        work = []
        for sent in self._begun(node):
            line = self._memory.backlog.get(sent.job)
            ready, told = self._told.get(sent.id, (next(iter(sent.open.values())), None))
            task = line.order.of(reduce=ready.reduce).task if line else ""
            since = datetime.fromtimestamp(sent.at, UTC).isoformat()
            row = {"job": sent.job, "index": ready.index, "task": task, "started_at": since}
            row |= {"items": len(sent.open), "reduce": ready.reduce}
            if told:
                row |= {"progress": round(told.progress, 4), "message": told.message}
            work.append({**row, "attempt": ready.number})
        return work


def _paused_queues() -> set[str]:
    return set(Queue.objects.filter(paused=True).values_list("name", flat=True))


def _facts(kind: str, message: str) -> str:
    return json.dumps({"type": kind, "message": message, "traceback": ""})
