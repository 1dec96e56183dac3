"""The work that the Foreman places: implements `nodes.ports.Workload` for jobs."""

from datetime import datetime, timedelta
from random import Random
from typing import Any

from redis import Redis

from hive_site.kernel.crash import crash_point
from jobs.bookkeeping import Bookkeeper
from jobs.dispatch import Dispatcher
from jobs.domain.backlog import Line
from jobs.domain.batch import Batch, lose
from jobs.domain.bundles import TARGET_SECONDS, Pace
from jobs.domain.states import JobState
from jobs.housekeeping import Housekeeping
from jobs.loader import load_open_jobs, open_line, read_open_jobs
from jobs.memory import Memory
from jobs.models import Job
from jobs.once import find_doubtful, mark_once
from jobs.pages import bunches, fill, fill_bunch
from jobs.planner import Planner
from jobs.pruner import Pruner
from jobs.reception import Reception, Refusals
from jobs.search import Search
from jobs.steering import Steering
from jobs.stragglers import Stragglers
from jobs.stranded import find_stranded
from jobs.wants import read_wants
from nodes.domain.scaling_loads import Offer, Want
from nodes.domain.scoring import Weights
from nodes.keyring import Keyring
from nodes.leadership import Leadership
from nodes.models import Node
from nodes.ports import Mail, Totals, Wakeup
from nodes.roster import Roster
from nodes.side_jobs import SideJobs

#: Open jobs that are read together.
JOBS_AT_ONCE = 500


class JobsWorkload:
    """All jobs that have not ended, for as long as this Foreman leads."""

    def __init__(
        self,
        client: Redis,
        *,
        keyring: Keyring,
        weights: Weights,
        random: Random | None = None,
        bundle_seconds: float = TARGET_SECONDS,
    ) -> None:
        """`bundle_seconds` is how much work should travel together."""
        self._random = random or Random()
        self._weights, self._bundle_seconds = weights, bundle_seconds
        self._dispatcher, self._pace = Dispatcher(client, keyring=keyring), Pace()
        self._refusals, self._side_jobs = Refusals(), SideJobs()

    def take_over(self, leadership: Leadership, now: datetime) -> None:
        """See `Workload.take_over`."""
        self._dispatcher.epoch = leadership.epoch
        memory = Memory(self._dispatcher, leadership, self._random)
        self._memory, self._book = memory, Bookkeeper(memory, self._pace)
        self._reception = Reception(memory, self._book, self._refusals)
        self._house = Housekeeping(memory, self._book, refresh=self._refresh, reread=self._reread)
        self._search, self._pruner = Search(memory, self._book), Pruner(leadership, now)
        self._steering = Steering(memory.flight, leadership)
        self._untouched: dict[str, set[str]] = {}
        self._planner = Planner(
            memory.backlog,
            memory.flight,
            self._pace,
            weights=self._weights,
            random=self._random,
            epoch=leadership.epoch,
            limiter=self._steering.limiter,
            bundle_seconds=self._bundle_seconds,
            refill=lambda line: fill(line, memory.flight, memory.cache),
        )
        self._stragglers = Stragglers(memory, self._pace, self._planner)
        memory.cache.open(now)
        memory.recall(list(Node.objects.values_list("name", flat=True)))
        self._side_jobs.run("steering", lambda: self._steering.read(now), now)
        self._book.unblock(now)
        for jobs in read_open_jobs(at_once=JOBS_AT_ONCE):
            self._admit(jobs, now)
        self._give_up_doubtful(now)
        self._book.settle({line.order.job for line in memory.backlog.lines()}, now)

    def heed(self, wakeups: list[Wakeup], now: datetime) -> None:
        """See `Workload.heed`."""
        self._memory.cache.tick(now)
        # Something behind the cursor of its line is ready once more.
        self._reread({hint.subject for hint in wakeups if hint.what == "again"}, now)
        self._refresh({hint.subject for hint in wakeups if hint.what in ("job", "cancel")}, now)
        if any(hint.what == "queue" for hint in wakeups):
            self._house.poll(now)
        self._side_jobs.run("steering", lambda: self._steering.heed(wakeups, now), now)

    def _refresh(self, jobs: set[str], now: datetime) -> None:
        """Bring these jobs' lines up to date with the database."""
        ids = sorted(jobs)  # in the order in which they were submitted
        for start in range(0, len(ids), JOBS_AT_ONCE):
            some = ids[start : start + JOBS_AT_ONCE]
            rows = load_open_jobs(some)
            blocked = {job.pk for job in rows if job.state == JobState.BLOCKED}
            if blocked:
                self._book.unblock(now, blocked)
            for job_id in set(some).difference(job.pk for job in rows):
                self._memory.backlog.close(job_id)
            self._admit(rows, now)

    def _reread(self, jobs: set[str], now: datetime) -> None:
        """Forget what is remembered of these jobs, and read all of it anew."""
        for job_id in jobs:
            self._memory.backlog.close(job_id)
        if jobs:
            self._refresh(jobs, now)
            self._give_up_doubtful(now)

    def _give_up_doubtful(self, now: datetime) -> None:
        self._book.commit(find_doubtful(self._memory, self._planner.next_attempt), {}, now)

    def _admit(self, jobs: list[Job], now: datetime) -> None:
        """Give jobs their lines, or bring the lines that they have up to date."""
        lines = [line for job in jobs if (line := self._line_of(job, now))]
        for bunch in bunches(lines):
            # There may be thousands, and a standby waits for the lease to run out.
            self._memory.leadership.keep(now)
            fill_bunch(bunch, self._memory.flight, self._memory.cache)

    def _line_of(self, job: Job, now: datetime) -> Line | None:
        """The job's line, to be filled; None if there is nothing to be sent."""
        backlog, flight = self._memory.backlog, self._memory.flight
        line = backlog.get(job.pk)
        if line is None:
            if self._house.starts_later(job, now) or self._house.awaits_parents(job, now):
                return None
            line = backlog.open(open_line(job))
            line.in_flight = sum(len(sent.open) for sent in flight.of_job(job.pk))
        line.held = job.state == JobState.PAUSED or self._house.queue_held(job.queue)
        line.started = job.state == JobState.RUNNING
        if job.state == JobState.CANCELLING:
            self._book.stop(line, now)
            return None
        return line

    def record(self, mail: Mail, now: datetime) -> None:
        """See `Workload.record`. Large mail is committed in several transactions."""
        self._reception.record(mail, now)

    def reclaim(self, node: str, reason: str, now: datetime) -> int:
        """See `Workload.reclaim`."""
        # An outage may have come between an earlier try and its record.
        untouched = self._untouched.setdefault(node, set())
        untouched |= self._dispatcher.reclaim(node)
        crash_point("foreman.reclaimed")
        batch = Batch()
        for bundle in self._memory.flight.on(node):
            lose(bundle, untouched=bundle.id in untouched, reason=reason, batch=batch)
        self._book.commit(batch, {}, now)
        del self._untouched[node]
        return len(batch.endings) + len(batch.returned)

    def stranded(self, roster: Roster) -> dict[str, str]:
        """See `Workload.stranded`."""
        return find_stranded(self._memory.flight, roster)

    def distrust(self, node: str, now: datetime) -> None:
        """See `Workload.distrust`."""
        batch = Batch()
        for sent in self._memory.flight.on(node):
            if self._dispatcher.withdraw(sent):
                crash_point("foreman.withdrawn")
                batch.give_back(sent.open)
            else:
                self._memory.double(sent)
        self._book.commit(batch, {}, now)

    def recount(self, roster: Roster, now: datetime) -> None:
        """See `Workload.recount`."""
        self._search.recount(roster, now)

    def dispatch(self, roster: Roster, now: datetime) -> int:
        """See `Workload.dispatch`."""
        with self._book.taking_arrived() as arrived:
            self._refresh(arrived, now)
        self._memory.cache.look(roster, now)
        self._book.end_known(now)
        if planned := self._planner.plan(roster, now):
            mark_once(planned, self._memory, now)
            crash_point("foreman.planned")
            # If Redis goes away now, whether it took them is unknown. They stay in flight, and
            # the search finds out.
            with self._memory.sending(planned) as batch:
                self._dispatcher.push(batch, now)
            crash_point("foreman.sent")
        return self._memory.rates.send(planned)

    def housekeep(self, roster: Roster, now: datetime) -> None:
        """See `Workload.housekeep`."""
        self._house.tidy(roster, now)
        run = self._side_jobs.run
        self._refresh(run("steering", lambda: self._steering.look(now), now) or set(), now)
        self._search.look(roster, now)
        run("stragglers", lambda: self._stragglers.look(roster, now), now)
        run("pruner", lambda: self._pruner.step(now), now)

    def next_due(self, now: datetime) -> timedelta:
        """See `Workload.next_due`."""
        lines = self._memory.backlog.lines()
        if self._planner.goes_on or any(line.known and not line.held for line in lines):
            return timedelta()
        stamp = now.timestamp()
        coming = (self._memory.backlog.next_due(), self._steering.limiter.next_due(stamp))
        due = min((at for at in coming if at is not None), default=stamp + 1)
        return timedelta(seconds=min(max(due - stamp, 0.0), 1.0))

    def snapshot(self, now: datetime) -> dict[str, Any]:
        """See `Workload.snapshot`."""
        return {
            **self._memory.snapshot(now),
            "queues": self._house.queues(now),
            "dropped_reports": self._refusals.dropped,
            "dead_letters": self._refusals.dead_letters,
            "side_jobs_broken": dict(self._side_jobs.broken),
        }

    def totals(self) -> Totals:
        """See `Workload.totals`."""
        return self._memory.rates.totals

    def in_flight(self) -> int:
        """See `Workload.in_flight`."""
        return self._memory.flight.count()

    def wants(self, now: datetime, offers: list[Offer]) -> list[Want]:
        """See `Wants`."""
        self._planner.offers = offers
        return read_wants(self._memory, self._pace, self._steering.limiter, now)

    def busy(self, node: str) -> int:
        """See `Workload.busy`."""
        return self._memory.flight.count_on(node)

    def work_of(self, node: str) -> list[dict[str, Any]]:
        """See `Workload.work_of`."""
        return self._house.work_of(node)
