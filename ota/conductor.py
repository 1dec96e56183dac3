"""Conducts rollouts for the Foreman that leads: implements `nodes.ports.Updates`.

It remembers nothing that matters: whoever leads next goes on from the database.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Protocol

import structlog
from django.db import transaction

from nodes.domain.states import NodeState
from nodes.leadership import Leadership
from nodes.ports import Wakeup
from nodes.roster import Roster
from nodes.side_jobs import SideJobs
from ota.chain import append_events
from ota.domain.reports import has_staged
from ota.domain.rollout import evaluate
from ota.domain.states import ACTIVE_ROLLOUTS, DeploymentState
from ota.domain.view import View
from ota.models import Deployment, Home, OtaEvent, Rollout
from ota.newcomers import DONE, catch_up, unled
from ota.retention import forget_events, old_events
from ota.rows import read_view, write_view
from ota.services.rollouts import HINT, lock_rollout
from ota.wishing import write_wishes

log = structlog.get_logger()
EVERY = timedelta(seconds=1)
#: A hundred nodes report at once: their news are looked at together.
NOT_SOONER_THAN = timedelta(milliseconds=200)
REFRESH_EVERY = timedelta(minutes=1)
#: Events whose time is over go so often, and so many of them at most.
FORGET_EVERY, FORGOTTEN_AT_ONCE = timedelta(minutes=3), 1000
#: Whoever reported so lately is there, whatever became of its worker.
HEARD_LATELY = timedelta(seconds=30)
#: Labels and rollouts change: who fitted none may fit one by then.
LOOK_AGAIN_AFTER = timedelta(seconds=10)
NEVER = datetime.min


class Refreshing(Protocol):
    """Signed metadata that must not get too old."""

    def refresh(self, now: datetime) -> bool:
        """Sign anew what comes to an end; whether anything was."""


class Conductor:
    """Carries out, for as long as its Foreman leads, what rollouts need."""

    def __init__(self, open_repository: Callable[[], Refreshing | None] = lambda: None) -> None:
        self._open_repository = open_repository
        self._side_jobs = SideJobs()
        self._forget()

    def take_over(self, leadership: Leadership, now: datetime) -> None:
        """See `Updates.take_over`."""
        self._leadership = leadership
        self._forget()

    def _forget(self) -> None:
        self._woken = False
        self._conducted_at = self._rounded_at = self._refreshed_at = self._unled_at = NEVER
        self._forgot_at = NEVER
        self._unled: set[str] = set()
        self._views: dict[str, dict[str, Any]] = {}

    def heed(self, wakeups: list[Wakeup], now: datetime) -> None:
        """See `Updates.heed`."""
        self._woken |= any(hint.what == HINT for hint in wakeups)

    def next_due(self, now: datetime) -> timedelta:
        """See `Updates.next_due`."""
        if not self._woken:
            return EVERY
        soonest = self._conducted_at + NOT_SOONER_THAN if self._conducted_at != NEVER else NEVER
        return max(soonest - now.replace(tzinfo=None), timedelta(0))

    def conduct(self, roster: Roster, now: datetime) -> set[str]:
        """See `Updates.conduct`."""
        naive = now.replace(tzinfo=None)
        round_is_due = _passed(self._rounded_at, naive) >= EVERY
        if not (round_is_due or (self._woken and not self.next_due(now))):
            return set()
        self._woken, self._conducted_at = False, naive
        changed: set[str] = set()
        active = Rollout.objects.filter(state__in=ACTIVE_ROLLOUTS).order_by("pk")
        going = list(active.values_list("pk", flat=True))
        for rollout_id in going:
            # One that breaks must not hold up the others.
            work = partial(self._conduct, rollout_id, roster, now)
            changed |= self._side_jobs.run(rollout_id, work, now) or set()
        self._views = {key: view for key, view in self._views.items() if key in going}
        if round_is_due:
            self._rounded_at = naive
            changed |= self._make_round(roster, now)
        return changed

    def revs(self) -> dict[str, int]:
        """See `Updates.revs`."""
        return dict(Home.objects.values_list("node", "rev"))

    def snapshot(self, now: datetime) -> dict[str, Any]:
        """See `Updates.snapshot`."""
        return {"updates": list(self._views.values())}

    def _conduct(self, rollout_id: str, roster: Roster, now: datetime) -> set[str]:
        """Decide for one rollout, and write down what follows."""
        with transaction.atomic():
            self._leadership.confirm(now)
            rollout = lock_rollout(rollout_id)
            if rollout.state not in ACTIVE_ROLLOUTS:
                return set()  # somebody decided since it was listed
            rows = list(rollout.deployments.filter(open=True))
            mine = Deployment.objects.filter(rollout=rollout, open=True).values("node")
            homes = {home.node: home for home in Home.objects.filter(node__in=mine)}
            before = read_view(rollout, rows, silent=_silent(homes, roster, now))
            then = evaluate(_already_staged(before, rollout, homes), now)
            _note_origins(rollout, before, then, rows, homes)
            write_view(rollout, before, then, now=now)
            changed = write_wishes(rollout, then, rows, homes)
        if then.state != before.state:
            log.info("rollout.moved", rollout=rollout_id, state=then.state, reason=then.reason)
        self._views[rollout_id] = _draw(rollout, then)
        return changed

    def _make_round(self, roster: Roster, now: datetime) -> set[str]:
        """What is looked at once a second, whether there are rollouts or not."""
        fresh = self._somebody_may_catch_up(now)
        events = OtaEvent.objects.filter(place=None).exists()
        changed: set[str] = set()
        if fresh or events:
            with transaction.atomic():
                self._leadership.confirm(now)
                changed = catch_up(roster, now) if fresh else changed
                append_events()
        self._side_jobs.run("trust", lambda: self._refresh(now), now)
        self._side_jobs.run("events", lambda: self._forget_events(now), now)
        return changed

    def _somebody_may_catch_up(self, now: datetime) -> bool:
        """Those that no rollout fits are not looked at, and written for, every second."""
        if not Rollout.objects.filter(state__in=DONE).exists():
            return False
        names = set(unled().values_list("pk", flat=True))
        naive = now.replace(tzinfo=None)
        if names <= self._unled and _passed(self._unled_at, naive) < LOOK_AGAIN_AFTER:
            return False
        self._unled, self._unled_at = names, naive
        return bool(names)

    def _refresh(self, now: datetime) -> None:
        naive = now.replace(tzinfo=None)
        if _passed(self._refreshed_at, naive) < REFRESH_EVERY:
            return
        self._refreshed_at = naive
        repository = self._open_repository()
        if repository and repository.refresh(now):
            log.info("trust.refreshed")

    def _forget_events(self, now: datetime) -> None:
        naive = now.replace(tzinfo=None)
        if _passed(self._forgot_at, naive) < FORGET_EVERY:
            return
        self._forgot_at = naive
        if not old_events(now).exists():
            return
        with transaction.atomic():
            self._leadership.confirm(now)
            count = forget_events(now, FORGOTTEN_AT_ONCE)
        if count:
            log.info("rollout.events_forgotten", rows=count)


def _passed(since: datetime, now: datetime) -> timedelta:
    return timedelta.max if since == NEVER else now - since


def _silent(homes: Mapping[str, Home], roster: Roster, now: datetime) -> set[str]:
    """Nodes of which nothing was heard, neither by the Foreman nor by us."""
    found = set()
    for name, home in homes.items():
        seat = roster.get(name)
        lost = seat is None or seat.state is NodeState.LOST
        heard = home.reported_at and now - home.reported_at <= HEARD_LATELY
        if lost and not heard:
            found.add(name)
    return found


def _already_staged(view: View, rollout: Rollout, homes: Mapping[str, Home]) -> View:
    """Who has the release need not say so again."""
    sha256 = rollout.release.sha256
    return view.with_members(
        replace(one, state=DeploymentState.STAGED)
        for one in view.members.values()
        if one.state is DeploymentState.STAGING
        and one.name in homes
        and has_staged(homes[one.name].report, sha256)
    )


def _note_origins(
    rollout: Rollout,
    before: View,
    then: View,
    rows: list[Deployment],
    homes: Mapping[str, Home],
) -> None:
    """What a node runs when it is let switch is where it goes back to."""
    for row in rows:
        home = homes.get(row.node)
        old, new = before.members[row.node].state, then.members[row.node].state
        switches = new is DeploymentState.ACTIVATING and old is not new
        if not (home and switches) or home.active in (row.from_sha256, rollout.release.sha256):
            continue
        row.from_sha256, row.from_version = home.active, home.active_version
        row.save(update_fields=["from_sha256", "from_version"])


def _draw(rollout: Rollout, view: View) -> dict[str, Any]:
    return {
        "id": rollout.pk,
        "release": rollout.release.version,
        "state": view.state,
        "reason": view.reason,
        "wave": view.wave,
        "waves": len(view.waves),
        "nodes": dict(Counter(str(one.state) for one in view.members.values())),
    }
