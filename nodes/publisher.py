"""Shows the cluster to everybody: a picture a second, and what is measured of it."""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from redis import Redis
from redis.client import Pipeline

from nodes import wire
from nodes.archive import Archive
from nodes.domain.laps import Laps
from nodes.domain.scoring import Weights
from nodes.domain.series import Value, kind_of
from nodes.gauges import Gauges
from nodes.interest import is_shown
from nodes.leadership import Leadership
from nodes.ports import Scaling, Updates, Wakeup, Workload
from nodes.redis_gauges import RedisGauges
from nodes.roster import Roster
from nodes.snapshot import draw_snapshot

SNAPSHOT_TTL_SECONDS = 60
#: So many seconds are kept one by one.
SECONDS_KEPT = 900
#: Whoever wanted it looks at it, and has just been told that it is so.
WISHES = frozenset({"node", "queue"})


class Publisher:
    """Belongs to one Foreman."""

    def __init__(
        self,
        client: Redis,
        leadership: Leadership,
        workload: Workload,
        updates: Updates,
        scaling: Scaling,
        *,
        weights: Weights,
        archive: Archive,
        laps: Laps,
        outages: Mapping[str, int],
    ) -> None:
        self._client, self._leadership = client, leadership
        self._workload, self._updates, self._weights = workload, updates, weights
        self._scaling = scaling
        self._archive, self._gauges, self._laps = archive, Gauges(), laps
        self._outages, self._redis = outages, RedisGauges(client)
        self._number = self._epoch = 0
        #: As it was drawn in this round.
        self._picture: dict[str, Any] = {}

    def publish(self, roster: Roster, now: datetime) -> None:
        """Draw the picture and announce it."""
        if self._epoch != self._leadership.epoch:
            self._epoch, self._gauges = self._leadership.epoch, Gauges()
        self._picture = self._draw(roster, now)
        self._announce(self._picture).execute()

    def remember(self, roster: Roster) -> None:
        """Keep what can be read off the newest picture."""
        at = self._picture["at"]
        samples = self._gauges.read(self._picture, roster, self._workload.totals())
        pipe = self._client.pipeline(transaction=False)
        pipe.rpush(wire.SECONDS, _write_second(at, samples))
        pipe.ltrim(wire.SECONDS, -SECONDS_KEPT, -1)
        pipe.expire(wire.SECONDS, SECONDS_KEPT)
        pipe.execute()
        self._archive.take(samples, at)

    def heed(self, wakeups: Iterable[Wakeup], roster: Roster, now: datetime) -> None:
        """Show at once what operators want, between two seconds; nothing is measured then."""
        if any(hint.what in WISHES for hint in wakeups):
            self._announce(self._draw(roster, now)).execute()

    def _draw(self, roster: Roster, now: datetime) -> dict[str, Any]:
        self._number += 1
        picture = draw_snapshot(
            roster,
            self._workload,
            now=now,
            number=self._number,
            holder=self._leadership.holder,
            epoch=self._leadership.epoch,
            weights=self._weights,
            fine=is_shown(self._client),
        )
        return {
            **picture,
            **self._updates.snapshot(now),
            **self._scaling.snapshot(),
            "loop": self._laps.tell(),
            "redis": self._redis.read(now.timestamp()),
            "outages": dict(self._outages),
        }

    def _announce(self, picture: dict[str, Any]) -> Pipeline:
        pipe = self._client.pipeline(transaction=False)
        pipe.set(wire.SNAPSHOT, json.dumps(picture), ex=SNAPSHOT_TTL_SECONDS)
        pipe.publish(wire.TICK, self._number)
        return pipe


def _write_second(at: float, samples: dict[str, list[Value]]) -> str:
    """What was measured of the cluster and its queues at one moment."""
    shared = {
        scope: [None if value is None else round(value, 3) for value in values]
        for scope, values in samples.items()
        if kind_of(scope) != "node"
    }
    return json.dumps({"at": round(at, 3), **shared}, separators=(",", ":"))
