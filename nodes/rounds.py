"""What a leader does once a second: hear everybody, judge, act on it, and show the cluster."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

import structlog

from hive_site.kernel.errors import Forgotten
from nodes.access import Access
from nodes.agenda import Agenda
from nodes.archive import Archive
from nodes.catalogue import Learn
from nodes.domain.states import NodeState
from nodes.domain.trust import ROUND_SECONDS, Trust
from nodes.events import Diary
from nodes.mailbox import Mailbox
from nodes.ports import Mail, Scaling, Workload
from nodes.publisher import Publisher
from nodes.registrar import Registrar
from nodes.roster import Roster, Seat
from nodes.side_jobs import SideJobs
from nodes.watch import GROUP, Look, Watch

log = structlog.get_logger()
EVERY = timedelta(seconds=1)
SAVE_EVERY = timedelta(seconds=5)
AT_ONCE = timedelta(milliseconds=1)
#: A step that took so long leaves the rest of its round to the next one.
STEP, SHORT_STEP = timedelta(milliseconds=10), timedelta(milliseconds=2)
#: Fewer nodes than these are looked at in one step if nothing runs, and in short ones if anything
#: does: whoever waits for the Foreman waits for a step at most.
MANY = 250


class Rounds:
    """One Foreman's. With many nodes a round takes several steps, so that each of them is short."""

    def __init__(
        self,
        *,
        watch: Watch,
        trust: Trust,
        mailbox: Mailbox,
        workload: Workload,
        registrar: Registrar,
        publisher: Publisher,
        diary: Diary,
        archive: Archive,
        side_jobs: SideJobs,
        access: Access,
        scaling: Scaling,
        learn: Learn,
        record: Callable[[Mail, datetime], None],
        stopwatch: Callable[[], float],
    ) -> None:
        self._watch, self._trust, self._mailbox, self._workload = watch, trust, mailbox, workload
        self._registrar, self._publisher, self._diary = registrar, publisher, diary
        self._archive, self._side_jobs, self._learn = archive, side_jobs, learn
        self._scaling = scaling
        self._record, self._agenda = record, Agenda(stopwatch)
        self._access = access
        self._roster = Roster()
        self._begun_at = self._saved_at = datetime.min
        self._recount_at: datetime | None = None
        #: Which memory Redis must have.
        self.boot = ""
        #: Whether Redis did not answer since the last round began.
        self.away = False

    def open(self, roster: Roster, now: datetime) -> None:
        """A new term."""
        self._roster = roster
        self._begun_at = self._saved_at = datetime.min
        self._agenda.clear()
        self._access.doubt()
        self._registrar.forget()
        self._diary.open(roster)
        if any(seat.state is not NodeState.LOST for seat in roster):
            # What it remembers of living nodes is as old as its predecessor's last save.
            self._trust.shake(now.timestamp())

    def doubt(self, now: datetime) -> None:
        """Believe nothing for one round of heartbeats, then look where everything is."""
        self._agenda.clear()
        self._access.doubt()
        self._trust.shake(now.timestamp())
        self._recount_at = now + timedelta(seconds=ROUND_SECONDS)
        # Nobody could tell us who was revoked meanwhile, and all are to be let in again.
        self._registrar.read_credentials(self._roster)

    @property
    def has_looked(self) -> bool:
        """Whether this leader has looked at all nodes: it sends nothing before."""
        return self._begun_at != datetime.min

    def go_on(self, now: datetime, *, joined: bool) -> bool:
        """Begin a round if it is time, or somebody joined; go on with the one that was begun.

        False if there was nothing to do.
        """
        if self.away:
            self._agenda.clear()
        since = now.replace(tzinfo=None) - self._begun_at
        # Less than nothing: the clock was set back.
        if not self._agenda and (joined or not timedelta(0) <= since < EVERY):
            self._begin(now)
        if not self._agenda:
            return False
        few = len(self._roster) < MANY
        if not self.has_looked or (few and not self._workload.in_flight()):
            step = timedelta.max
        else:
            step = SHORT_STEP if few else STEP
        self._agenda.go_on(now, step=step)
        return True

    def next_due(self, now: datetime) -> timedelta:
        """How long nothing is to be done."""
        return AT_ONCE if self._agenda else self._begun_at + EVERY - now.replace(tzinfo=None)

    def take_back(self, name: str, reason: str, now: datetime) -> None:
        """A node is gone: what it still managed to say counts; only then is the rest taken back."""
        while (mail := self._mailbox.drain(name)).cursors:
            self._record(mail, now)
        count = self._workload.reclaim(name, reason, now)
        log.info("node.reclaimed", node=name, reason=reason, subtasks=count)

    def take_back_stranded(self, now: datetime) -> None:
        """Take back what nodes hold that can never bring it back."""
        for name, reason in self._workload.stranded(self._roster).items():
            self.take_back(name, reason, now)

    def _begin(self, now: datetime) -> None:
        if self.away:
            self.away = False
            self.doubt(now)
        look, run = self._watch.begin(now.timestamp()), self._side_jobs.run
        self._agenda.add(
            *(partial(self._hear, look, names) for names in look.groups),
            self._admit,
            partial(self._judge, look),
            self._act_on_verdicts,
            self._housekeep,
            lambda now: run("tasks", lambda: self._watch.teach(self._learn, now), now),
            lambda now: run("snapshot", lambda: self._publisher.publish(self._roster, now), now),
            lambda now: run("snapshot", lambda: self._publisher.remember(self._roster), now),
            lambda now: run("pools", lambda: self._scaling.look(self._roster, now), now),
            lambda now: run("events", lambda: self._diary.note(self._roster, now), now),
            lambda now: run("history", lambda: self._archive.write(now), now),
            partial(self._end, now),
        )

    def _end(self, begun_at: datetime, now: datetime) -> None:
        # Only now: an outage on the way has it all done again.
        self._begun_at = begun_at.replace(tzinfo=None)

    def _hear(self, look: Look, names: list[str], now: datetime) -> None:
        self._watch.hear(look, names, self._roster, now.timestamp())
        if look.sighting.boot != self.boot:
            raise Forgotten("another boot key, or none")

    def _admit(self, now: datetime) -> None:
        # First of all: nobody else can say anything before. As many as there are, in short steps.
        if self._side_jobs.run("access", lambda: self._access.look(now), now):
            self._agenda.put_first([self._admit])

    def _judge(self, look: Look, now: datetime) -> None:
        sighting = self._watch.judge(look, self._roster, now.timestamp())
        if sighting.joined:
            log.info("nodes.joined", nodes=sighting.joined)
        changed = {*sighting.joined, *sighting.changed}
        self._registrar.save([self._roster[n] for n in sorted(changed) if n in self._roster])
        if not timedelta(0) <= now.replace(tzinfo=None) - self._saved_at < SAVE_EVERY:
            self._saved_at = now.replace(tzinfo=None)
            self._agenda.put_first([self._follow_wishes, self._save_all])

    def _follow_wishes(self, now: datetime) -> None:
        sends = self._registrar.read_wishes(self._roster)
        self._agenda.put_first(partial(self._send_orders, send) for send in sends)

    def _send_orders(self, send: Callable[[], None], now: datetime) -> None:
        send()

    def _save_all(self, now: datetime) -> None:
        seats = list(self._roster)
        groups = [seats[at : at + GROUP] for at in range(0, len(seats), GROUP)]
        self._agenda.put_first(partial(self._save, some) for some in groups)

    def _save(self, seats: list[Seat], now: datetime) -> None:
        # Those that were dropped meanwhile would be enrolled again.
        self._registrar.save([seat for seat in seats if self._roster.get(seat.name) is seat])

    def _act_on_verdicts(self, now: datetime) -> None:
        """Level-triggered, not on what changed just now: an outage may have come between."""
        for seat in self._roster:
            self._mailbox.follow(seat.name)
        self.take_back_stranded(now)
        for seat in self._roster:
            if seat.state is NodeState.SUSPECT and not seat.distrusted:
                self._workload.distrust(seat.name, now)
                seat.distrusted = True

    def _housekeep(self, now: datetime) -> None:
        if self._recount_at and now >= self._recount_at:
            self._workload.recount(self._roster, now)
            self._recount_at = None
        self._workload.housekeep(self._roster, now)
