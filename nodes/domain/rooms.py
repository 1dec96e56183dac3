"""Nodes that fit one kind of demand, in the order of their rating.

A bundle that is placed makes its node worse, never better, so a room mends an entry only when it
comes upon it. Whoever makes a node better says so.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterable
from random import Random

from nodes.domain.placement import NEAR_EQUAL

#: Sorts behind every name.
LAST = "\U0010ffff"


class Room:
    """The nodes that fit one kind of demand; `rate` gives None for one that is full."""

    def __init__(self, names: Iterable[str], rate: Callable[[str], float | None]) -> None:
        self.names, self._rate = frozenset(names), rate
        #: Whether the plan that goes on asked for it.
        self.asked = True
        self._order = sorted((r, name) for name in self.names if (r := rate(name)) is not None)
        self._listed = {name: rating for rating, name in self._order}

    def pick(self, random: Random, avoid: frozenset[str]) -> str | None:
        """One of the best nodes with room that is not to be avoided."""
        aside = [e for name in avoid & self.names for e in self._order if e[1] == name]
        for entry in aside:
            self._order.remove(entry)
        found = self._pick(random)
        for entry in aside:
            insort(self._order, entry)
        return found

    def _pick(self, random: Random) -> str | None:
        while self._order:
            if self._mend(0):
                continue
            worst = (self._order[0][0] + NEAR_EQUAL, LAST)
            at = random.randrange(bisect_right(self._order, worst))
            if not self._mend(at):
                return self._order[at][1]
        return None

    def _mend(self, at: int) -> bool:
        """Move an entry to where it belongs by now; False if it was there."""
        listed, name = self._order[at]
        now = self._rate(name)
        if now == listed:
            return False
        del self._order[at]
        self._list(name, now)
        return True

    def renew(self, name: str) -> None:
        """One of its nodes may be better than it was."""
        listed, now = self._listed.get(name), self._rate(name)
        if now == listed:
            return
        if listed is not None:
            del self._order[bisect_left(self._order, (listed, name))]
        self._list(name, now)

    def _list(self, name: str, rating: float | None) -> None:
        if rating is None:
            self._listed.pop(name, None)
        else:
            self._listed[name] = rating
            insort(self._order, (rating, name))
