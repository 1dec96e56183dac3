"""What agents of this incarnation that were retired still run, as the launcher passes it on."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import structlog

log = structlog.get_logger()
#: What an elder says is so old at most: half a second until it says it, and the way here.
LAG_SECONDS = 3.0
ITS_AGENT_DIED = "the agent that ran it died"


@dataclass(frozen=True, slots=True)
class Row:
    """One attempt that an elder runs. `started` is on Redis's clock, in Unix seconds."""

    attempt: int
    started: float
    progress: float
    message: str
    bundle: str


class Elders:
    """All of them together."""

    def __init__(self) -> None:
        self.bundles: frozenset[str] = frozenset()
        self.held_mb: list[tuple[int, int]] = []
        self._rows: list[Row] = []
        #: What each of their bundles ran when it was last heard of.
        self._last: dict[str, Row] = {}
        self._came = self._is_disowned = False

    def __len__(self) -> int:
        return len(self.bundles)

    @property
    def lag_seconds(self) -> float:
        """How long a bundle may be an elder's before that is known here."""
        return LAG_SECONDS if self._came else 0.0

    def running(self) -> list[tuple[int, float, float, str]]:
        """What they run, as rows of a heartbeat."""
        return [(row.attempt, row.started, row.progress, row.message) for row in self._rows]

    def become(self, told: Any) -> None:
        """Take the newest word on all of them; what makes no sense changes nothing."""
        try:
            bundles = frozenset(str(b) for works in told for b in works["bundles"])
            held = [(int(a), int(mb)) for works in told for a, mb in works["held_mb"]]
            rows = [_read_row(*row) for works in told for row in works["running"]]
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            log.warning("launcher.refused", reason=f"not what elders run: {error!r}")
            return
        self._is_disowned &= bool(told)
        if self._is_disowned:
            return
        self.bundles, self.held_mb, self._rows = bundles, held, rows
        self._came |= bool(told)
        begun = {row.bundle: row for row in rows}
        self._last = {b: r for b, r in self._last.items() if b not in bundles} | begun

    def disown(self) -> None:
        """They belong to an incarnation that was given up: the launcher ends them."""
        self.bundles, self.held_mb, self._rows, self._last = frozenset(), [], [], {}
        self._is_disowned = True

    def mourn(self, bundle: str, clock: float) -> list[dict[str, Any]]:
        """What is to be said of a bundle that no living slot has. `clock` is Redis's."""
        row = self._last.pop(bundle, None)
        if row is None:
            return [{"k": "back", "all": True}]
        span = {"t0": min(row.started, clock), "t1": clock}
        return [{"k": "died", "a": row.attempt, "why": "handover", "how": ITS_AGENT_DIED, **span}]

    def forget(self, popped: Iterable[str]) -> None:
        """Bundles that are popped and nobody's are `popped`; what else was theirs is done."""
        kept = self.bundles.union(popped)
        self._last = {b: row for b, row in self._last.items() if b in kept}


def _read_row(attempt: Any, started: Any, progress: Any, message: Any, bundle: Any) -> Row:
    return Row(int(attempt), float(started), float(progress), str(message), str(bundle))
