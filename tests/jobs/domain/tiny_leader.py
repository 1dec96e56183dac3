"""What `jobs/workload.py` does, over a table: the real memory, pen, planner and search."""

from contextlib import suppress
from datetime import datetime
from random import Random
from typing import TYPE_CHECKING, Any

from hive_site.kernel.errors import Deposed
from jobs.bookkeeping import Bookkeeper
from jobs.dispatch import Dispatcher
from jobs.domain.backlog import Line
from jobs.domain.batch import Batch, lose
from jobs.domain.bundles import Pace
from jobs.domain.reports import read_report
from jobs.domain.states import JobState
from jobs.memory import Memory
from jobs.once import find_doubtful, mark_once
from jobs.planner import Planner
from jobs.search import Search
from nodes.domain.scoring import Weights
from nodes.domain.states import NodeState
from nodes.keyring import Keyring
from tests.jobs.domain.machine import FLEET_KEY
from tests.simulation.client import Client

if TYPE_CHECKING:
    from tests.jobs.domain.tiny_hive import TinyHive


class Open:
    """A gate that lets everything through."""

    def __init__(self, commands: int) -> None:
        self._commands = commands

    def __enter__(self) -> int:
        return self._commands

    def __exit__(self, *error: object) -> None:
        return None


class Died(Exception):
    """The process is no more."""


class Lease:
    """Whom the database calls leader."""

    def __init__(self, hive: "TinyHive", epoch: int) -> None:
        self._hive, self.epoch = hive, epoch

    def confirm(self, now: datetime) -> int:
        if self.epoch != self._hive.epoch:
            raise Deposed("another leads")
        return self.epoch


class Leader:
    """One term of leadership."""

    def __init__(self, hive: "TinyHive", epoch: int) -> None:
        self.hive, self.pace, random = hive, Pace(), Random(1)
        self.pace.learn("t", 0.03)
        self.dispatcher = Dispatcher(Client(hive.ether, Open), keyring=Keyring(FLEET_KEY))
        self.dispatcher.epoch = epoch
        self.memory = Memory(self.dispatcher, Lease(hive, epoch), random)
        self.book = Bookkeeper(self.memory, self.pace)
        self.search = Search(self.memory, self.book)
        self.planner = Planner(
            self.memory.backlog,
            self.memory.flight,
            self.pace,
            weights=Weights(),
            random=random,
            epoch=epoch,
            refill=self._fill,
        )

    @property
    def flight(self) -> Any:
        return self.memory.flight

    def take_over(self) -> None:
        self.memory.recall(list(self.hive.machines))
        for job in self.hive.table.open_jobs():
            self.admit(job)
        doubtful = find_doubtful(self.memory, self.planner.next_attempt)
        self.book.commit(doubtful, {}, self.hive.now)
        self.book.settle(set(self.hive.table.open_jobs()), self.hive.now)

    def admit(self, job: str) -> None:
        row, backlog = self.hive.table.jobs[job], self.memory.backlog
        line = backlog.get(job)
        if line is None:
            line = backlog.open(Line(row.order, since=0.0, remaining=row.remaining))
            line.in_flight = sum(len(sent.open) for sent in self.flight.of_job(job))
        line.held = row.state == JobState.PAUSED
        if row.state == JobState.CANCELLING:
            self.book.stop(line, self.hive.now)
        else:
            self._fill(line)

    def reread(self, job: str) -> None:
        self.memory.backlog.close(job)
        self.admit(job)

    def send(self) -> None:
        planned = self.planner.plan(self.hive.roster, self.hive.now)
        mark_once(planned, self.memory, self.hive.now)
        self.dispatcher.push(
            [(s, line.order.of(reduce=s.items[0].reduce)) for s, line in planned], self.hive.now
        )

    def record(self, *reports: tuple[str, dict[str, Any]]) -> None:
        batch = Batch()
        for node, body in reports:
            read_report(body, node, self.flight, batch)
        self.book.commit(batch, {node: "1-0" for node, _ in reports}, self.hive.now)

    def record_and_die(self, *reports: tuple[str, dict[str, Any]]) -> None:
        """The database has it, and nobody else."""

        def settle(**what: Any) -> None:
            raise Died

        self.dispatcher.settle = settle  # type: ignore[method-assign]
        with suppress(Died):
            self.record(*reports)

    def reclaim(self, node: str, reason: str) -> None:
        untouched, batch = self.dispatcher.reclaim(node), Batch()
        for sent in self.flight.on(node):
            lose(sent, untouched=sent.id in untouched, reason=reason, batch=batch)
        self.book.commit(batch, {}, self.hive.now)

    def distrust(self, node: str) -> None:
        batch = Batch()
        for sent in self.flight.on(node):
            if self.dispatcher.withdraw(sent):
                batch.give_back(sent.open)
            else:
                self.memory.double(sent)
        self.book.commit(batch, {}, self.hive.now)

    def look_around(self) -> None:
        """Once every few seconds: who started anew, what is missing, what memory forgot."""
        for machine in self.hive.machines.values():
            held = self.flight.on(machine.name)
            anew = any(sent.incarnation != machine.seat.beat.incarnation for sent in held)
            if machine.seat.state is NodeState.LOST or anew:
                self.reclaim(machine.name, "gone")
        self.search.look(self.hive.roster, self.hive.now)
        open_jobs = self.hive.table.open_jobs()
        for line in self.memory.backlog.lines():
            if line.order.job not in open_jobs:
                self.memory.backlog.close(line.order.job)
            elif line.is_empty:
                self.book.settle({line.order.job}, self.hive.now)
        for job in self.hive.table.open_jobs():
            line = self.memory.backlog.get(job)
            if line and line.is_empty:
                self.reread(job)
            elif line is None or self.hive.table.jobs[job].state == JobState.CANCELLING:
                self.admit(job)

    def _fill(self, line: Line) -> None:
        self.hive.table.fill(line, self.flight)
