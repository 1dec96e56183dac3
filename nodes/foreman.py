"""The Foreman: a thin loop body around pure decisions.

One step reads nothing that blocks: `wait` gathers mail between steps and is the only place
where the Foreman sleeps.
"""

import json
from datetime import datetime, timedelta

import structlog
from redis import Redis

from hive_site.kernel.crash import crash_point
from hive_site.kernel.errors import Deposed, Forgotten
from hive_site.kernel.redis import RedisError
from nodes import wire
from nodes.catalogue import Learn
from nodes.domain.scoring import Weights
from nodes.domain.states import NodeState
from nodes.domain.trust import ROUND_SECONDS, Trust
from nodes.leadership import Leadership
from nodes.mailbox import Mailbox
from nodes.models import Lease, Node
from nodes.orders import send_orders
from nodes.ports import Mail, NoUpdates, Updates, Workload
from nodes.records import load_roster, refresh_wishes, save_seats
from nodes.roster import Roster
from nodes.side_jobs import SideJobs
from nodes.snapshot import draw_snapshot
from nodes.watch import Sighting, Watch

log = structlog.get_logger()
WATCH_EVERY = timedelta(seconds=1)
SAVE_EVERY = timedelta(seconds=5)
STANDBY_REST = timedelta(seconds=1)
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
        learn: Learn = lambda found, now: None,
        updates: Updates | None = None,
    ) -> None:
        self._learn = learn
        self._client, self._leadership, self._mailbox = client, leadership, mailbox
        self._trust = Trust()
        self._watch = Watch(client, mailbox=mailbox, trust=self._trust)
        self._workload = workload
        self._updates = updates or NoUpdates()
        self._fleet_key, self._weights = fleet_key, weights
        self._roster, self._epoch, self._mail = Roster(), 0, Mail()
        self._watched_at = self._saved_at = datetime.min
        self._number, self._boot, self._away = 0, "", False
        self._side_jobs = SideJobs()
        self._recount_at: datetime | None = None

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
            return self._lead(now)
        except Deposed as fact:
            log.warning("foreman.deposed", reason=str(fact))
            self._leadership.doubt()
            self._mail = Mail()
            return STANDBY_REST
        except (RedisError, OSError):
            self._away = True
            raise

    def wait(self, rest: timedelta) -> None:
        """Rest until mail arrives or the time is over. Standbys must not wait here."""
        if self._mail.cursors:
            return
        try:
            self._mail = self._mailbox.wait(rest.total_seconds())
        except (RedisError, OSError):
            self._away = True
            raise

    def stop(self) -> None:
        """Give up leadership at once."""
        self._leadership.release()

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
        self._mailbox.open([seat.name for seat in self._roster])
        self._workload.take_over(self._leadership, now)
        self._updates.take_over(self._leadership, now)
        self._mail, self._epoch = Mail(), self._leadership.epoch
        self._watched_at = self._saved_at = datetime.min
        if any(seat.state is not NodeState.LOST for seat in self._roster):
            # What it remembers of living nodes is as old as its predecessor's last save.
            self._trust.shake(now.timestamp())

    def _show_leadership(self) -> None:
        self._boot = self._leadership.mirror()
        if Lease.objects.filter(pk=1).exclude(boot_key=self._boot).update(boot_key=self._boot):
            log.info("redis.new_memory", boot=self._boot[:8])

    def _remind_redis(self, now: datetime) -> None:
        """Redis lost its memory: write down again what it must know; find what is in flight."""
        log.warning("redis.forgot", boot=self._boot[:8])
        self._doubt(now)
        self._mailbox.rewind()
        # Last, so that an outage on the way makes us begin again.
        self._show_leadership()

    def _doubt(self, now: datetime) -> None:
        """Believe nothing for one round of heartbeats, then look where everything is."""
        self._trust.shake(now.timestamp())
        self._recount_at = now + timedelta(seconds=ROUND_SECONDS)

    def _step(self, now: datetime) -> timedelta:
        mail = self._mail
        self._record(mail, now)
        self._heed(mail, now)
        since_watch = now.replace(tzinfo=None) - self._watched_at
        if since_watch >= WATCH_EVERY or any(hint.what == "joined" for hint in mail.wakeups):
            self._look_around(now)
        self._workload.dispatch(self._roster, now)
        self._side_jobs.run("updates", lambda: self._update(now), now)
        until_watch = self._watched_at + WATCH_EVERY - now.replace(tzinfo=None)
        due = min(until_watch, self._workload.next_due(now), self._updates.next_due(now))
        return max(due, timedelta(milliseconds=1))

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
            self._follow_wishes()
        for report in mail.reports:
            seat = self._roster.get(report.node) if report.body.get("leaving") else None
            if seat and seat.beat.incarnation == report.incarnation:
                seat.state, seat.reason = NodeState.LOST, "shut down"
                save_seats([seat])
                self._take_back(seat.name, seat.reason, now)

    def _look_around(self, now: datetime) -> None:
        if self._away:
            self._away = False
            self._doubt(now)
        sighting = self._watch.look(self._roster, now.timestamp())
        if sighting.boot != self._boot:
            raise Forgotten("another boot key, or none")
        self._save(sighting, now)
        self._act_on_verdicts(now)
        if self._recount_at and now >= self._recount_at:
            self._workload.recount(self._roster, now)
            self._recount_at = None
        self._workload.housekeep(self._roster, now)
        self._side_jobs.run("tasks", lambda: self._watch.teach(self._learn, now), now)
        self._side_jobs.run("snapshot", lambda: self._publish(now), now)
        self._watched_at = now.replace(tzinfo=None)

    def _act_on_verdicts(self, now: datetime) -> None:
        """Level-triggered, not on what changed just now: an outage may have come between."""
        for seat in self._roster:
            self._mailbox.follow(seat.name)
        for name, reason in self._workload.stranded(self._roster).items():
            self._take_back(name, reason, now)
        for seat in self._roster:
            if seat.state is NodeState.SUSPECT and not seat.distrusted:
                self._workload.distrust(seat.name, now)
                seat.distrusted = True

    def _take_back(self, name: str, reason: str, now: datetime) -> None:
        # What it still managed to say counts; only then is the rest taken back.
        while (mail := self._mailbox.drain(name)).cursors:
            self._record(mail, now)
        count = self._workload.reclaim(name, reason, now)
        log.info("node.reclaimed", node=name, reason=reason, subtasks=count)

    def _follow_wishes(self) -> None:
        rows = refresh_wishes(self._roster)
        for name in {seat.name for seat in self._roster} - {node.name for node in rows}:
            self._watch.forget(name)
            self._roster.drop(name)
        self._send_orders(rows)

    def _update(self, now: datetime) -> None:
        if names := self._updates.conduct(self._roster, now):
            self._send_orders(list(Node.objects.filter(name__in=names)))

    def _send_orders(self, rows: list[Node]) -> None:
        send_orders(self._client, rows, fleet_key=self._fleet_key, revs=self._updates.revs())

    def _save(self, sighting: Sighting, now: datetime) -> None:
        if sighting.joined:
            log.info("nodes.joined", nodes=sighting.joined)
        changed = {*sighting.joined, *sighting.changed}
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
        picture |= self._updates.snapshot(now)
        self._client.set(wire.SNAPSHOT, json.dumps(picture), ex=SNAPSHOT_TTL_SECONDS)
