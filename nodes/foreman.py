"""The Foreman: a thin loop body around pure decisions.

One step reads nothing that blocks: `wait` gathers mail between steps and is the only place
where the Foreman sleeps.
"""

import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from redis import Redis

from hive_site.kernel.crash import crash_point
from hive_site.kernel.errors import Deposed, Forgotten
from hive_site.kernel.redis import RedisError
from nodes.access import Access, NoAccess
from nodes.archive import Archive
from nodes.catalogue import Learn
from nodes.departures import Departures
from nodes.domain.laps import Laps
from nodes.domain.liveness import SHUT_DOWN
from nodes.domain.scoring import Weights
from nodes.domain.states import NodeState
from nodes.domain.trust import Trust
from nodes.events import Diary
from nodes.keyring import Keyring
from nodes.leadership import Leadership
from nodes.mailbox import Mailbox
from nodes.models import Lease
from nodes.ports import Mail, NoScaling, NoUpdates, Scaling, Updates, Workload
from nodes.publisher import Publisher
from nodes.records import load_roster
from nodes.registrar import Registrar
from nodes.roster import Roster
from nodes.rounds import AT_ONCE, Rounds
from nodes.side_jobs import SideJobs
from nodes.watch import Watch
from nodes.worker_names import WorkerNames

log = structlog.get_logger()
STANDBY_REST = timedelta(seconds=1)
#: Mail is read no more often than this allows. Of fewer than forty nodes it is read at once.
BREATH_PER_NODE, MOST_BREATH = timedelta(microseconds=50), timedelta(milliseconds=60)
SHORTEST_BREATH_SECONDS = 0.002


class Foreman:
    """One candidate for leadership. `tick` does one step, `wait` rests until there is news."""

    def __init__(
        self,
        *,
        client: Redis,
        leadership: Leadership,
        mailbox: Mailbox,
        workload: Workload,
        keyring: Keyring,
        weights: Weights,
        learn: Learn = lambda found, now: None,
        updates: Updates | None = None,
        access: Access | None = None,
        scaling: Scaling | None = None,
        stopwatch: Callable[[], float] = time.perf_counter,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client, self._leadership, self._mailbox = client, leadership, mailbox
        self._workload, self._updates = workload, updates or NoUpdates()
        self._scaling = scaling or NoScaling()
        self._roster, self._epoch, self._mail = Roster(), 0, Mail()
        self._stopwatch, self._sleep = stopwatch, sleep
        self._laps, self._side_jobs = Laps(), SideJobs()
        self._departures, self._worker_names = Departures(leadership), WorkerNames(client)
        self._outages: Counter[str] = Counter()
        #: When mail came in that the next step deals with, by the stopwatch.
        self._called_at: float | None = None
        self._listened_at = 0.0
        trust, archive = Trust(), Archive(leadership)
        watch = Watch(client, mailbox=mailbox, trust=trust)
        self._registrar = Registrar(client, watch, self._updates, keyring=keyring)
        self._publisher = Publisher(
            client,
            leadership,
            workload,
            self._updates,
            self._scaling,
            weights=weights,
            archive=archive,
            laps=self._laps,
            outages=self._outages,
        )
        self._rounds = Rounds(
            watch=watch,
            trust=trust,
            mailbox=mailbox,
            workload=workload,
            registrar=self._registrar,
            publisher=self._publisher,
            diary=Diary(leadership),
            archive=archive,
            side_jobs=self._side_jobs,
            access=access or NoAccess(),
            scaling=self._scaling,
            learn=learn,
            record=self._record,
            stopwatch=stopwatch,
        )

    @property
    def leads(self) -> bool:
        """Whether this Foreman is the leader."""
        return self._leadership.held

    def check_redis(self) -> None:
        """Raises `RedisError` if Redis does not answer."""
        self._client.ping()

    def tick(self, now: datetime) -> timedelta:
        """One step: record, plan, send, watch. Returns how long it may rest."""
        begun = self._stopwatch() if self._called_at is None else self._called_at
        try:
            return self._lead(now)
        except Deposed as fact:
            log.warning("foreman.deposed", reason=str(fact))
            self._leadership.doubt()
            self._mail = Mail()
            return STANDBY_REST
        except (RedisError, OSError):
            self._rounds.away = True
            raise
        finally:
            self._called_at = None
            self._laps.add(self._stopwatch() - begun)

    def wait(self, rest: timedelta) -> None:
        """Rest until mail arrives or the time is over. Standbys must not wait here."""
        if self._mail.cursors:
            return
        self._draw_breath(rest)
        try:
            answer = self._mailbox.listen(rest.total_seconds())
        except (RedisError, OSError):
            self._rounds.away = True
            raise
        self._called_at = self._listened_at = self._stopwatch()
        self._mail = self._mailbox.read(answer)

    def _draw_breath(self, rest: timedelta) -> None:
        """Among many nodes there is always mail: let some of it gather, or each handful would cost
        what all of it costs."""
        # Those that are lost say nothing, and there may be any number of them.
        present = sum(seat.state is not NodeState.LOST for seat in self._roster)
        breath = min(present * BREATH_PER_NODE, MOST_BREATH, rest).total_seconds()
        left = self._listened_at + breath - self._stopwatch()
        if left > SHORTEST_BREATH_SECONDS:
            self._sleep(left)

    def suffer(self, outage: Exception) -> None:
        """Count an outage that kept a step from its end, for those who watch."""
        of_redis = isinstance(outage, (RedisError, OSError))
        self._outages["redis" if of_redis else "database"] += 1

    def stop(self) -> None:
        """Give up leadership at once; a leader then ends what must not outlive it."""
        led = self.leads
        try:
            self._leadership.release()
        finally:
            if led:
                self._scaling.stop()

    def _lead(self, now: datetime) -> timedelta:
        if not self._leadership.hold(now):
            return STANDBY_REST
        try:
            if self._epoch != self._leadership.epoch:
                self._take_over(now)
            return self._step(now)
        except Forgotten:
            # Redis may know a newer leader by now, or be away again.
            self._remind_redis(now)
            return timedelta(0)

    def _take_over(self, now: datetime) -> None:
        crash_point("foreman.claimed")
        self._show_leadership()
        crash_point("foreman.mirrored")
        self._roster = load_roster()
        self._registrar.read_credentials(self._roster)
        self._mailbox.open([seat.name for seat in self._roster])
        self._workload.take_over(self._leadership, now)
        self._updates.take_over(self._leadership, now)
        self._scaling.take_over(self._leadership)
        self._mail, self._epoch = Mail(), self._leadership.epoch
        self._rounds.open(self._roster, now)

    def _show_leadership(self) -> None:
        boot = self._rounds.boot = self._leadership.mirror()
        if Lease.objects.filter(pk=1).exclude(boot_key=boot).update(boot_key=boot):
            log.info("redis.new_memory", boot=boot[:8])

    def _remind_redis(self, now: datetime) -> None:
        """Redis lost its memory: write down again what it must know; find what is in flight."""
        log.warning("redis.forgot", boot=self._rounds.boot[:8])
        self._rounds.doubt(now)
        self._mailbox.rewind()
        # Last, so that an outage on the way makes us begin again.
        self._show_leadership()

    def _step(self, now: datetime) -> timedelta:
        mail = self._mail
        self._record(mail, now)
        self._heed(mail, now)
        hints = {hint.what for hint in mail.wakeups}
        early = self._rounds.has_looked and bool(mail.cursors or "job" in hints)
        if early:  # slots stand idle, or somebody waits
            self._workload.dispatch(self._roster, now)
        if self._rounds.go_on(now, joined="joined" in hints) or not early:
            self._workload.dispatch(self._roster, now)
        self._side_jobs.run("updates", lambda: self._registrar.update(self._roster, now), now)
        self._side_jobs.run("departures", lambda: self._departures.forget(now), now)
        self._side_jobs.run("workers", lambda: self._worker_names.tidy(now), now)
        due = (each.next_due(now) for each in (self._rounds, self._workload, self._updates))
        return max(min(due), AT_ONCE)

    def _record(self, mail: Mail, now: datetime) -> None:
        # An outage leaves it to be tried again: the mailbox does not give it a second time.
        self._mail = mail
        if mail.cursors:
            self._workload.record(mail, now)
        self._mail = Mail()

    def _heed(self, mail: Mail, now: datetime) -> None:
        self._workload.heed(mail.wakeups, now)
        self._updates.heed(mail.wakeups, now)
        if any(hint.what == "node" for hint in mail.wakeups):
            self._registrar.follow_wishes(self._roster)
            self._rounds.take_back_stranded(now)
        show = self._publisher.heed
        self._side_jobs.run("snapshot", lambda: show(mail.wakeups, self._roster, now), now)
        for report in mail.reports:
            seat = self._roster.get(report.node) if report.body.get("leaving") else None
            if seat and seat.beat.incarnation == report.incarnation:
                seat.state, seat.reason = NodeState.LOST, SHUT_DOWN
                self._registrar.save([seat])
                self._rounds.take_back(seat.name, seat.reason, now)
