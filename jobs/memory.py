"""What one leader keeps in mind: ready work, work in flight, pace, and recent rates."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Any

from jobs import traces
from jobs.dispatch import Dispatcher
from jobs.domain.backlog import Backlog, Line, Order, Ready
from jobs.domain.batch import Ending
from jobs.domain.flight import Flight, Sent
from jobs.domain.patience import why_lines_wait
from jobs.domain.retry import Policy
from jobs.domain.states import Outcome
from jobs.finisher import Settled
from jobs.loader import load_open, load_placed, load_policy
from jobs.rates import Rates
from jobs.result_cache import ResultCache
from jobs.webhooks.gauges import WebhookGauges
from nodes.domain.histogram import Histogram
from nodes.leadership import Leadership
from nodes.stopwatch import timed


@dataclass
class Memory:
    """One term of leadership; a new term starts with an empty one."""

    dispatcher: Dispatcher
    leadership: Leadership
    random: Random
    backlog: Backlog = field(default_factory=Backlog)
    flight: Flight = field(default_factory=Flight)
    rates: Rates = field(default_factory=Rates)
    #: How many second copies were made.
    copies: int = 0
    cache: ResultCache = field(default_factory=ResultCache)
    #: How long it takes to send bundles, and to record what came back.
    sends: Histogram = field(default_factory=Histogram)
    records: Histogram = field(default_factory=Histogram)
    webhooks: WebhookGauges = field(default_factory=WebhookGauges)

    def snapshot(self, now: datetime) -> dict[str, Any]:
        """What viewers see of it."""
        return {
            "active_subtasks": len(self.flight),
            "second_copies": self.copies,
            "waiting": why_lines_wait(self.backlog.lines()),
            "throughput": self.rates.per_second(now.timestamp()),
            "bundles": self.flight.count(),
            "jobs_open": len(self.backlog.lines()),
            "totals": self.rates.tell(),
            "sends": self.sends.tell(),
            "records": self.records.tell(),
            "webhooks": self.webhooks.read(now),
        }

    @contextmanager
    def sending(self, planned: Sequence[tuple[Sent, Line]]) -> Iterator[list[tuple[Sent, Order]]]:
        """What is to be sent, while it is: how long that takes is told."""
        with timed(self.sends), traces.sending(planned) as batch:
            yield batch

    def policy_of(self, job: str, *, reduce: bool) -> Policy | None:
        """How failures of a job, or of its reduction, are taken; None if it is being cancelled."""
        line = self.backlog.get(job)
        if line is None:
            # An outage kept it from being read (again), or it has ended.
            return load_policy(job, reduce=reduce)
        return None if line.stopped else line.order.of(reduce=reduce).policy

    def is_stopped(self, job: str) -> bool:
        """Whether a job is being cancelled, or has ended."""
        return self.policy_of(job, reduce=False) is None

    def remaining(self, job: str) -> int:
        """How many subtasks of a job have not ended; 0 if its line is not known."""
        line = self.backlog.get(job)
        return line.remaining if line else 0

    def is_single(self, job: str) -> bool:
        """Whether a job has one item and no reduction, so that its result is the job's."""
        line = self.backlog.get(job)
        return line is not None and line.order.total == 1 and not line.order.reduce

    def untouched_once(self, attempts: list[int]) -> list[int]:
        """The subtasks of these attempts that may never run twice, and were not begun."""
        found = []
        for attempt in attempts:
            sent = self.flight.of_attempt(attempt)
            line = self.backlog.get(sent.job) if sent else None
            if sent and line and line.order.of(reduce=(ready := sent.open[attempt]).reduce).once:
                found.append(ready.subtask)
        return found

    def open_subtasks(self, job: str) -> set[int]:
        """The job's subtasks that are in flight."""
        return {r.subtask for sent in self.flight.of_job(job) for r in sent.open.values()}

    def jobs_of(self, attempts: Iterable[int]) -> set[str]:
        """The jobs to which these open attempts belong."""
        return {sent.job for attempt in attempts if (sent := self.flight.of_attempt(attempt))}

    def close(self, attempt: int, *, again: bool) -> Sent | None:
        """An attempt is over; with `again` its subtask is ready as before.

        Returns the bundle if this was the last of it.
        """
        sent = self.flight.of_attempt(attempt)
        ready = self.flight.close(attempt)
        if sent is None or ready is None:
            return None
        line = self.backlog.get(sent.job)
        if line:
            self._update(line, ready, again=again)
        if ready.key and not self.flight.flies(ready.key):
            self.flight.twins.wake(ready.key)
        return None if sent.open else sent

    def end(self, settled: Settled) -> None:
        """Forget a job that is over; any other stays."""
        if settled.state is None:
            return
        self.rates.jobs[settled.state] += 1
        if line := self.backlog.get(settled.job):
            traces.tell_end(line.order, settled.state)
        self.backlog.close(settled.job)

    def share(self, ending: Ending) -> None:
        """Give a result that was just recorded to equal subtasks that wait for it."""
        key = ending.ready.key
        if key and ending.attempt and ending.outcome is Outcome.SUCCEEDED and ending.result:
            self.flight.twins.note(key)
            self.flight.twins.settle(key, ending.result)

    def _update(self, line: Line, ready: Ready, *, again: bool) -> None:
        line.in_flight -= 1
        if self.flight.holds(ready.subtask):
            return
        decided = ready.subtask in line.decided
        line.decided.discard(ready.subtask)
        if again and not (line.stopped or decided) and line.is_past(ready):
            line.forget_copy(ready.subtask)
            line.ready.appendleft(ready.alone())

    def decide(self, ending: Ending) -> frozenset[int]:
        """The subtask has its terminal state; the attempts that work on it in vain now."""
        line, subtask = self.backlog.get(ending.job), ending.ready.subtask
        rivals = self.flight.copies(subtask)
        if line:
            line.remaining -= 1
            line.forget_copy(subtask)
            if rivals:
                line.decided.add(subtask)
        return rivals

    def double(self, sent: Sent) -> None:
        """Send what a suspect node has in hand to another one too, if it may run twice."""
        line = self.backlog.get(sent.job)
        if line is None or line.stopped:
            return
        because = f"second copy: {sent.node} fell silent"
        for ready in sent.open.values():
            harmless = (
                line.order.of(reduce=ready.reduce).idempotent and ready.subtask not in line.decided
            )
            if harmless and line.is_past(ready):
                self.copy(line, ready, node=sent.node, because=because)

    def copy(self, line: Line, ready: Ready, *, node: str, because: str) -> None:
        """Send a second copy of what runs on a node to another one, unless there is a copy."""
        self.copies += ready.subtask not in line.doubled
        line.double(ready.after(avoid=frozenset({node}), copy_because=because))

    def retry(self, ending: Ending, at: datetime | None) -> None:
        """The subtask of a failed attempt is tried again, now or at a time."""
        line = self.backlog.get(ending.job)
        if line is None or line.stopped or self.flight.holds(ending.ready.subtask):
            return
        line.forget_copy(ending.ready.subtask)
        if not line.is_past(ending.ready):
            return
        crashed = {ending.node} if ending.outcome is Outcome.CRASHED else set()
        ready = ending.ready.after(avoid=frozenset(crashed))
        if at is None:
            line.ready.appendleft(ready)
        else:
            line.put_off(ready, at.timestamp())

    def recall(self, nodes: list[str]) -> None:
        """Fill the flight from the ledger; entries whose work is recorded are dropped."""
        entries = self.dispatcher.ledger(nodes)
        known = load_open({subtask for entry in entries for subtask in entry.subtasks})
        told, spent = load_placed(known), []
        for entry in entries:
            here = [told[s] for s in entry.subtasks if s in told and told[s][0] == entry.node]
            rows = enumerate(entry.subtasks, start=entry.first)
            closed = {n: known[s] for n, s in rows if s in known}
            sent = Sent(
                id=entry.bundle,
                node=entry.node,
                incarnation=entry.incarnation,
                job=entry.job,
                first=entry.first,
                at=entry.at,
                items=[],
                subtasks=entry.subtasks,
                gpus=entry.gpus,
                task=entry.task,
                memory_mb=entry.memory_mb,
                short=entry.short,
                placed=here[0][1] if here else "",
                open={n: ready for n, (ready, newest) in closed.items() if n > newest},
            )
            if sent.open:
                self.flight.add(sent)
            else:
                spent.append(sent)
        self.dispatcher.settle(cursors={}, bundles=spent, changed=None)
