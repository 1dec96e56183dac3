"""Stored results, for jobs that ask with `cache_for`: looked up a page of subtasks at a time."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q

from jobs.domain.backlog import Order
from jobs.domain.batch import Ending
from jobs.models import CachedResult
from nodes.domain.states import NodeState
from nodes.models import Node
from nodes.roster import Roster

#: Keys that one statement asks for.
AT_ONCE = 500


class ResultCache:
    """One leader's view of it. What was computed by code that no node runs any more is old."""

    def __init__(self) -> None:
        self._now: datetime | None = None
        self._at_first: dict[str, str] = {}
        self._roster: Roster | None = None

    def open(self, now: datetime) -> None:
        """Begin a term."""
        alive = Node.objects.exclude(state=NodeState.LOST)
        self._now, self._at_first = now, dict(alive.values_list("name", "release"))

    def look(self, roster: Roster, now: datetime) -> None:
        """Take notice of the time and of what nodes run."""
        self._now, self._roster = now, roster

    def tick(self, now: datetime) -> None:
        """Take notice of the time."""
        self._now = now

    def find(self, order: Order, keys: Sequence[str]) -> dict[str, str]:
        """The results that are known and young enough for the job, by their keys."""
        if self._now is None:
            return {}
        young = Q(created_at__gt=self._now - timedelta(seconds=order.cache_for))
        releases = set(self._releases().values()) or {settings.HIVE_RELEASE}
        valid = CachedResult.objects.filter(young, expires_at__gt=self._now, release__in=releases)
        wanted = sorted(set(keys))
        found: dict[str, str] = {}
        for start in range(0, len(wanted), AT_ONCE):
            rows = valid.filter(pk__in=wanted[start : start + AT_ONCE])
            found.update(rows.values_list("key", "result"))
        return found

    def store(self, successes: Iterable[tuple[Ending, float]], now: datetime) -> None:
        """Keep these results for so many seconds, in the recording transaction."""
        kept = list(successes)
        if not kept:
            return
        releases = self._releases()
        rows = {
            ending.ready.key: CachedResult(
                key=ending.ready.key,
                result=ending.result,
                release=releases.get(ending.node, settings.HIVE_RELEASE),
                created_at=now,
                expires_at=now + timedelta(seconds=seconds),
            )
            for ending, seconds in kept
        }
        CachedResult.objects.bulk_create(
            [rows[key] for key in sorted(rows)],
            update_conflicts=True,
            unique_fields=["key"],
            update_fields=["result", "release", "created_at", "expires_at"],
        )

    def _releases(self) -> dict[str, str]:
        """What each living node runs."""
        if self._roster is None:
            return self._at_first
        alive = (seat for seat in self._roster if seat.state is not NodeState.LOST)
        return {seat.name: seat.beat.release for seat in alive}

    def drop(self, keys: Iterable[str]) -> None:
        """Forget results that turned out to be lost."""
        CachedResult.objects.filter(pk__in=list(keys)).delete()
