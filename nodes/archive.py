"""Writes the history of the cluster: samples rolled up in memory, chunks in the database.

A chunk is written anew whenever it grew. There may be a thousand nodes, so each look writes only
a few of theirs, those that waited longest. A new leader begins chunks of its own.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import islice

from django.db import transaction

from nodes.domain.series import (
    LEVELS,
    METRICS,
    Interval,
    Level,
    Roller,
    Strip,
    Value,
    kind_of,
)
from nodes.leadership import Leadership
from nodes.models import HistoryChunk

#: So many chunks of nodes are written at one look: about 100 in ten seconds.
NODES_AT_ONCE = 10
PRUNE_EVERY = timedelta(minutes=1)
ROWS_AT_ONCE = 100


class Archive:
    """Belongs to one Foreman. Every transaction confirms first that it leads."""

    def __init__(self, leadership: Leadership) -> None:
        self._leadership = leadership
        self._rollers: dict[str, Roller] = {}
        self._growing: dict[tuple[str, Level], Strip] = {}
        #: By scope, level and start; who waits longest comes first.
        self._unwritten: dict[tuple[str, Level, int], Strip] = {}
        self._prune_at: datetime | None = None
        self._epoch = leadership.epoch

    def take(self, samples: Mapping[str, list[Value]], at: float) -> None:
        """Take in what was measured at one moment, by scope. Writes nothing yet."""
        if self._epoch != self._leadership.epoch:
            self._begin_anew()
        for scope, values in samples.items():
            roller = self._rollers.get(scope)
            if roller is None:
                roller = self._rollers[scope] = Roller(METRICS[kind_of(scope)])
            for interval in roller.add(at, values):
                self._keep(scope, interval)

    def write(self, now: datetime) -> None:
        """Write what waits of the cluster and its queues, and some of the nodes."""
        if due := self._due():
            with transaction.atomic():
                self._leadership.confirm(now)
                HistoryChunk.objects.bulk_create(
                    [_row(strip) for strip in due.values()],
                    update_conflicts=True,
                    unique_fields=["scope", "step", "start"],
                    update_fields=["data"],
                )
            # Only now: an outage leaves them to be tried again.
            for key in due:
                del self._unwritten[key]
        if self._prune_at is None or now >= self._prune_at:
            self._prune_at = now + PRUNE_EVERY
            self._forget_idle(now.timestamp())
            self._prune(now)

    def _begin_anew(self) -> None:
        """Somebody else led meanwhile: what was begun before is in their chunks, and one that
        begins where theirs does would take their place."""
        self._epoch = self._leadership.epoch
        self._rollers.clear()
        self._growing.clear()

    def _keep(self, scope: str, interval: Interval) -> None:
        strip = self._growing.get((scope, interval.level))
        if strip is None or not strip.next <= interval.start < strip.end:
            strip = Strip(scope, interval.level, interval.start)
            self._growing[scope, interval.level] = strip
        strip.put(interval)
        # One that waits already keeps its turn.
        self._unwritten[scope, interval.level, strip.start] = strip

    def _due(self) -> dict[tuple[str, Level, int], Strip]:
        nodes = (key for key in self._unwritten if kind_of(key[0]) == "node")
        chosen = [key for key in self._unwritten if kind_of(key[0]) != "node"]
        chosen += islice(nodes, NODES_AT_ONCE)
        return {key: self._unwritten[key] for key in chosen}

    def _forget_idle(self, at: float) -> None:
        """Nodes of which nothing was heard for an hour take no memory."""
        idle = [scope for scope, each in self._rollers.items() if each.began < at - 3600]
        for scope in idle:
            del self._rollers[scope]
            for level in LEVELS:
                self._growing.pop((scope, level), None)

    def _prune(self, now: datetime) -> None:
        """Delete a little of what is too old."""
        gone: list[int] = []
        for level in LEVELS:
            oldest = now.timestamp() - level.keep - level.span
            old = HistoryChunk.objects.filter(step=level.step, start__lt=oldest)
            gone += old.order_by("start").values_list("pk", flat=True)[:ROWS_AT_ONCE]
        if gone:
            with transaction.atomic():
                self._leadership.confirm(now)
                HistoryChunk.objects.filter(pk__in=gone).delete()


def _row(strip: Strip) -> HistoryChunk:
    return HistoryChunk(
        scope=strip.scope, step=strip.level.step, start=strip.start, data=bytes(strip.data)
    )
