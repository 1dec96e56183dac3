"""The Foreman: a thin loop body around pure decisions.

One step reads nothing that blocks: `wait` gathers mail between steps and is the only place
where the Foreman sleeps.
"""

import json
from datetime import datetime, timedelta

import structlog
from redis import Redis

from hive_site.kernel.errors import Deposed
from nodes import wire
from nodes.domain.scoring import Weights
from nodes.domain.states import NodeState
from nodes.leadership import Leadership
from nodes.mailbox import Mailbox
from nodes.models import Lease
from nodes.orders import send_orders
from nodes.ports import Mail, Workload
from nodes.records import load_roster, refresh_wishes, save_seats
from nodes.roster import Roster
from nodes.snapshot import draw_snapshot
from nodes.watch import Sighting, Watch

log = structlog.get_logger()
WATCH_EVERY = timedelta(seconds=1)
SAVE_EVERY = timedelta(seconds=5)
STANDBY_REST = timedelta(seconds=1)
#: A leader that saw nothing for longer than this cannot tell dead nodes from its own blindness,
SELF_DOUBT = timedelta(seconds=3)
#: so it judges nobody until every living node had time to send two heartbeats.
TIME_TO_BE_HEARD = timedelta(seconds=2 * wire.BEAT_SECONDS)
SNAPSHOT_TTL_SECONDS = 60


class Foreman:
    """One candidate for leadership. `tick` does one step, `wait` rests until there is news."""

    def __init__(
        self,
        *,
        client: Redis,
        leadership: Leadership,
        mailbox: Mailbox,
        workload: Workload,
        fleet_key: str,
        weights: Weights,
    ) -> None:
        self._client = client
        self._leadership = leadership
        self._mailbox = mailbox
        self._watch = Watch(client, mailbox=mailbox)
        self._workload = workload
        self._fleet_key = fleet_key
        self._weights = weights
        self._roster = Roster()
        self._epoch = 0
        self._mail = Mail()
        #: Nodes whose work must be taken back, with the reason; outages may delay it.
        self._gone: dict[str, str] = {}
        self._watched_at = self._saved_at = self._doubt_until = datetime.min
        self._number = 0

    @property
    def leads(self) -> bool:
        """Whether this Foreman is the leader."""
        return self._leadership.held

    def check_redis(self) -> None:
        """Raises `RedisError` if Redis does not answer."""
        self._client.ping()

    def tick(self, now: datetime) -> timedelta:
        """One step: record, plan, send, watch. Returns how long it may rest."""
        try:
            if not self._leadership.hold(now):
                return STANDBY_REST
            if self._epoch != self._leadership.epoch:
                self._take_over(now)
            return self._step(now)
        except Deposed as fact:
            log.warning("foreman.deposed", reason=str(fact))
            self._leadership.doubt()
            self._mail = Mail()
            return STANDBY_REST

    def wait(self, rest: timedelta) -> None:
        """Rest until mail arrives or the time is over. Standbys must not wait here."""
        if not self._mail.cursors:
            self._mail = self._mailbox.wait(rest.total_seconds())

    def stop(self) -> None:
        """Give up leadership at once."""
        self._leadership.release()

    def _take_over(self, now: datetime) -> None:
        boot = self._leadership.mirror()
        if Lease.objects.filter(pk=1).exclude(boot_key=boot).update(boot_key=boot):
            log.info("redis.new_memory", boot=boot[:8])
        self._roster = load_roster()
        self._mailbox.open([seat.name for seat in self._roster])
        self._workload.take_over(self._leadership, now)
        self._mail, self._gone, self._epoch = Mail(), {}, self._leadership.epoch
        self._watched_at = self._saved_at = datetime.min

    def _step(self, now: datetime) -> timedelta:
        mail = self._mail
        self._record(mail, now)
        self._heed(mail, now)
        self._take_back(now)
        since_watch = now.replace(tzinfo=None) - self._watched_at
        if since_watch >= WATCH_EVERY or any(hint.what == "joined" for hint in mail.wakeups):
            self._look_around(now)
        self._workload.dispatch(self._roster, now)
        until_watch = self._watched_at + WATCH_EVERY - now.replace(tzinfo=None)
        return max(min(until_watch, self._workload.next_due(now)), timedelta(milliseconds=1))

    def _record(self, mail: Mail, now: datetime) -> None:
        # An outage leaves it to be tried again: the mailbox does not give it a second time.
        self._mail = mail
        if mail.cursors:
            self._workload.record(mail, now)
        self._mail = Mail()

    def _heed(self, mail: Mail, now: datetime) -> None:
        self._workload.heed(mail.wakeups, now)
        if any(hint.what == "node" for hint in mail.wakeups):
            self._follow_wishes()
        for report in mail.reports:
            if report.body.get("leaving") and report.node in self._roster:
                seat = self._roster[report.node]
                if seat.beat.incarnation == report.incarnation:
                    seat.state, seat.reason = NodeState.LOST, "shut down"
                    self._gone[seat.name] = seat.reason

    def _look_around(self, now: datetime) -> None:
        naive = now.replace(tzinfo=None)
        if naive - self._watched_at > SELF_DOUBT:
            self._doubt_until = naive + TIME_TO_BE_HEARD
        sighting = self._watch.look(self._roster, verdicts=naive >= self._doubt_until)
        self._watched_at = naive
        for name in sighting.joined:
            self._mailbox.follow(name)
        self._gone |= sighting.gone
        self._take_back(now)
        self._save(sighting, now)
        self._workload.housekeep(self._roster, now)
        self._publish(now)

    def _take_back(self, now: datetime) -> None:
        for name, reason in list(self._gone.items()):
            # What it still managed to say counts; only then is the rest taken back.
            while (mail := self._mailbox.drain(name)).cursors:
                self._record(mail, now)
            count = self._workload.reclaim(name, reason, now)
            # A later leader looks for work on every node but the lost: not lost before now.
            save_seats(seat for seat in self._roster if seat.name == name)
            del self._gone[name]
            log.info("node.reclaimed", node=name, reason=reason, subtasks=count)

    def _follow_wishes(self) -> None:
        rows = refresh_wishes(self._roster)
        for name in {seat.name for seat in self._roster} - {node.name for node in rows}:
            self._watch.forget(name)
            self._roster.drop(name)
        send_orders(self._client, rows, fleet_key=self._fleet_key)

    def _save(self, sighting: Sighting, now: datetime) -> None:
        if sighting.joined:
            log.info("nodes.joined", nodes=sighting.joined)
        changed = {*sighting.joined, *sighting.returned, *sighting.changed, *sighting.gone}
        save_seats([self._roster[name] for name in sorted(changed) if name in self._roster])
        if now.replace(tzinfo=None) - self._saved_at >= SAVE_EVERY:
            self._saved_at = now.replace(tzinfo=None)
            self._follow_wishes()  # drops nodes that an operator deleted
            save_seats(self._roster)

    def _publish(self, now: datetime) -> None:
        self._number += 1
        picture = draw_snapshot(
            self._roster,
            self._workload,
            now=now,
            number=self._number,
            holder=self._leadership.holder,
            epoch=self._epoch,
            weights=self._weights,
        )
        self._client.set(wire.SNAPSHOT, json.dumps(picture), ex=SNAPSHOT_TTL_SECONDS)
