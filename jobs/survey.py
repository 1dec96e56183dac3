"""The nodes as plans see them, kept from one plan to the next: only what changed is looked at.

With a thousand nodes a plan is made for each handful of reports; to draw all of it anew would take
longer than everything else.
"""

from random import Random

from jobs.domain.flight import Flight
from jobs.occupancy import occupy
from nodes.domain.pool import Pool
from nodes.domain.scoring import Weights
from nodes.roster import Roster, Seat


class Survey:
    """One leader's. Whoever changes seats need not tell: it finds out."""

    def __init__(self, flight: Flight, *, weights: Weights, random: Random) -> None:
        self._flight, self._weights, self._random = flight, weights, random
        self._roster: Roster | None = None
        self._machines: dict[str, list[Seat]] = {}
        #: What was seen of each seat when it was drawn last, and on which machine.
        self._seen: dict[str, tuple[object, ...]] = {}
        self._hosts: dict[str, str] = {}
        #: The machines that are not drawn as they are.
        self._stale: set[str] = set()
        self._pool: Pool | None = None
        self._means = (0.0, 0.0)

    def machine(self, host: str) -> list[Seat]:
        """All seats of one machine."""
        return self._machines[host]

    def count(self, roster: Roster) -> None:
        """Bring what seats say of work in flight up to date."""
        changed = self._flight.changed()
        if roster is not self._roster or len(roster) != len(self._hosts):
            self._begin_anew(roster)
            return
        hosts = {self._hosts[node] for node in changed if node in self._hosts}
        for host in hosts:
            occupy(self._machines[host], self._flight)
        self._stale |= hosts

    def pool(self, roster: Roster) -> Pool:
        """The nodes as they are now, with what is in flight there."""
        self.count(roster)
        stale = self._look_at_seats(roster)
        if self._pool is None or not self._renew(self._pool, roster, stale):
            if stale:
                self._begin_anew(roster)
            self._pool = Pool(
                roster.candidates(),
                weights=self._weights,
                random=self._random,
                absent=roster.absent,
            )
            self._stale.clear()
        return self._pool

    def _begin_anew(self, roster: Roster) -> None:
        self._roster, self._pool, self._means = roster, None, roster.means()
        self._machines = roster.machines()
        self._hosts = {seat.name: seat.host for seat in roster}
        self._seen = {seat.name: _look(seat) for seat in roster}
        for seats in self._machines.values():
            occupy(seats, self._flight)

    def _look_at_seats(self, roster: Roster) -> list[Seat]:
        """The seats that are not what they were."""
        seen = self._seen
        return [seat for seat in roster if seen.get(seat.name) != _look(seat)]

    def _renew(self, pool: Pool, roster: Roster, changed: list[Seat]) -> bool:
        """Bring the pool up to date; False if it has to be made anew."""
        if not all(map(self._is_known, changed)):
            return False
        for seat in changed:
            self._seen[seat.name] = _look(seat)
        self._stale |= {self._hosts[name] for name in pool.begin()}
        for host in {seat.host for seat in changed}:
            occupy(self._machines[host], self._flight)
            self._stale.add(host)
        if changed:
            self._means = roster.means()
        for host in self._stale:
            seats = self._machines[host]
            nodes = roster.seen(seats, self._means)
            if not pool.has(nodes, among=(seat.name for seat in seats)):
                return False
            for node in nodes:
                pool.renew(node)
        self._stale.clear()
        return True

    def _is_known(self, seat: Seat) -> bool:
        """Whether it is on the machine where it was."""
        same_host = self._hosts.get(seat.name) == seat.host
        return same_host and any(each is seat for each in self._machines[seat.host])


def _look(seat: Seat) -> tuple[object, ...]:
    """All of a seat that decides how it is drawn, but for what is in flight there."""
    # A heartbeat that says the same as the last one takes back what was charged since that.
    heard = seat.seen_ms, seat.beat_age
    return seat.beat, heard, seat.state, seat.intent, seat.set_labels, seat.tasks
