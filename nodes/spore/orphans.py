"""Bundles that were popped by somebody who died before he could say so."""

from typing import Any

from nodes import wire
from nodes.spore.elders import Elders
from nodes.spore.line import Line


class Orphans:
    """What two looks showed to be nobody's: so long nobody else's can take to be known."""

    def __init__(self, elders: Elders) -> None:
        self._elders = elders
        self._since: dict[str, float] = {}

    def sweep(self, line: Line, mine: set[str], *, now: float, clock: float) -> list[Any]:
        """What is to be said of those that are found. `mine` are the bundles that our slots have,
        `clock` is Redis's in Unix seconds. Raises `RedisError`."""
        found = line.sweep(mine | self._elders.bundles)
        self._elders.forget(found)
        lag = self._elders.lag_seconds
        sure = {b for b in found if b in self._since and now - self._since[b] >= lag}
        self._since = {b: self._since.get(b, now) for b in found - sure}
        for probe in filter(wire.is_probe, sure):
            line.discard(probe)  # of an agent that is no more: nobody waits for it
        return [
            {"bundle": bundle, "events": self._elders.mourn(bundle, clock)}
            for bundle in sorted(sure)
            if not wire.is_probe(bundle)
        ]
