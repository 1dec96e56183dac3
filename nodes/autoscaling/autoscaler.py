"""All pools of one Foreman: implements `nodes.ports.Scaling`."""

from collections.abc import Callable, Sequence
from datetime import datetime
from threading import Thread
from typing import Any

from nodes.autoscaling.pool import Pool
from nodes.autoscaling.ports import Wants
from nodes.domain.liveness import ON_PURPOSE, SUSPECT_AFTER_SECONDS
from nodes.domain.scaling_loads import share_out
from nodes.domain.states import NodeState
from nodes.leadership import Leadership
from nodes.models import Lease
from nodes.roster import Roster, Seat

#: Whoever is lost for longer than this is not away any more, but gone.
AWAY_SECONDS = 120.0
#: How long the last errand and what must not outlive the Foreman may take to end.
CLOSE_SECONDS = 5.0


class Autoscaler:
    """Looks after its pools while this Foreman leads."""

    def __init__(self, pools: Sequence[Pool], work: Wants) -> None:
        self._pools, self._work = pools, work
        self._term: tuple[str, int] = ("", 0)

    def leads(self) -> Callable[[], bool]:
        """A question that may be asked from any thread: whether this term still lasts."""
        holder, epoch = self._term
        return Lease.objects.filter(pk=1, holder=holder, epoch=epoch).exists

    def take_over(self, leadership: Leadership) -> None:
        """See `Scaling.take_over`."""
        self._term = leadership.holder, leadership.epoch
        for pool in self._pools:
            pool.open(self.leads())

    def look(self, roster: Roster, now: datetime) -> None:
        """See `Scaling.look`."""
        offers = [pool.offer() for pool in self._pools]
        loads = share_out(self._work.wants(now, offers), offers)
        shaky = is_shaky(roster, now.timestamp())
        for pool in self._pools:
            pool.look(roster, loads[pool.settings.name], now=now, shaky=shaky)

    def snapshot(self) -> dict[str, Any]:
        """See `Scaling.snapshot`."""
        return {"pools": {pool.settings.name: pool.tell() for pool in self._pools}}

    def stop(self) -> None:
        """See `Scaling.stop`."""
        ends = [Thread(target=pool.dismiss, args=(CLOSE_SECONDS,)) for pool in self._pools]
        for end in ends:
            end.start()
        for end in ends:
            end.join()


def is_shaky(roster: Roster, now: float) -> bool:
    """Whether so many nodes are silent that what is seen of the rest is to be taken with care."""
    away = sum(_is_away(seat, now) for seat in roster)
    here = sum(not (seat.state is NodeState.LOST or _is_away(seat, now)) for seat in roster)
    return away > 0 and away >= here


def _is_away(seat: Seat, now: float) -> bool:
    if seat.state is not NodeState.LOST:
        return seat.beat_age > SUSPECT_AFTER_SECONDS
    return seat.reason not in ON_PURPOSE and now - seat.seen_ms / 1000 < AWAY_SECONDS
