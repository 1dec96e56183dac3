"""Which pool waiting work is for: the first in the order of the file whose nodes could run it.

Pools with GPUs are there for what needs one; other work counts for them only if no pool without
GPUs could run it. What is too much for one pool goes on to the next that fits. Pure.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from math import inf

from nodes.domain.fitness import PLAIN, Demand, Kind, mismatch
from nodes.domain.scaling_pictures import Load

#: What a subtask is thought to take whose task was never seen to end; what it really takes is
#: known as soon as the first comes back.
UNKNOWN_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Want:
    """Subtasks that need the same and could run now, if there were room; `oldest` is how long the
    oldest waits, `seconds` what one takes, None if that is not known."""

    demand: Demand
    count: int
    oldest: float = 0.0
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Offer:
    """A pool as work sees it: what its nodes are, and how many more of them there may be than are
    in use."""

    pool: str
    kind: Kind = PLAIN
    slots: int = 1
    room: float = inf

    def fits(self, demand: Demand) -> bool:
        """Whether its nodes could ever run this; which release they get is not known yet."""
        return not mismatch(self.kind, replace(demand, release=None)) and self.each(demand) > 0

    def each(self, demand: Demand) -> int:
        """How many of these one node runs at once."""
        bounds = [self.slots]
        if demand.gpu:
            fitting = sum(mb >= demand.gpu_memory_mb for mb in self.kind.gpu_memory_mb)
            bounds.append(fitting // demand.gpu)
        if demand.memory_mb and self.kind.memory_mb:
            bounds.append(self.kind.memory_mb // demand.memory_mb)
        return min(bounds)


@dataclass(slots=True)
class _Pile:
    """What comes together for one pool."""

    room: float
    load: Load = field(default_factory=Load)

    def add(self, want: Want, count: int, each: int) -> None:
        """So many of these, of which a node runs `each` at once."""
        old, seconds = self.load, UNKNOWN_SECONDS if want.seconds is None else want.seconds
        waiting = old.waiting + count
        self.room -= count / each
        self.load = Load(
            waiting=waiting,
            oldest=max(old.oldest, want.oldest),
            size=old.size + count / each,
            work=old.work + count * seconds / each,
            mean=(old.mean * old.waiting + seconds * count) / waiting,
        )


def share_out(wants: Iterable[Want], offers: Sequence[Offer]) -> dict[str, Load]:
    """The load of each pool. What no pool could run counts for none."""
    piles = {offer.pool: _Pile(offer.room) for offer in offers}
    for want in wants:
        left = want.count
        fitting = _suited(want.demand, offers)
        for offer in fitting:
            each = offer.each(want.demand)
            room = max(piles[offer.pool].room, 0.0) * each
            most = left if offer is fitting[-1] or left <= room else int(room)
            if most > 0:
                piles[offer.pool].add(want, most, each)
                left -= most
    return {pool: pile.load for pool, pile in piles.items()}


def find_help(demand: Demand, offers: Iterable[Offer]) -> str:
    """The first pool that may start a node that could run this; empty if there is none."""
    fitting = (offer.pool for offer in offers if offer.room > 0 and offer.fits(demand))
    return next(fitting, "")


def _suited(demand: Demand, offers: Sequence[Offer]) -> list[Offer]:
    fitting = [offer for offer in offers if offer.fits(demand)]
    plain = [offer for offer in fitting if not offer.kind.gpu_memory_mb]
    return plain if plain and not demand.gpu else fitting
