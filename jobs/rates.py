"""How fast the work goes: what ended, what is tried again, what came into queues and left them."""

from collections import Counter, deque
from collections.abc import Iterable, Mapping
from typing import Any

from jobs.domain.backlog import Line
from jobs.domain.flight import Sent
from nodes.domain.histogram import Histogram
from nodes.ports import Totals

RATE_SECONDS = 10
OUTCOMES = ("succeeded", "failed", "retried")


class Rates:
    """Counts everything once, and tells means over the last ten seconds."""

    def __init__(self) -> None:
        self.totals = Totals()
        #: Jobs that ended, by their state.
        self.jobs: Counter[str] = Counter()
        #: How long subtasks waited for their first start, by their queue.
        self.waits: dict[str, Histogram] = {}
        self._rows: deque[tuple[float, int, int, int]] = deque()
        #: When queues were looked at, how much waited there, and how much they had sent.
        self._looks: deque[tuple[float, Mapping[str, int], Counter[str]]] = deque()

    def add(
        self,
        now: float,
        *,
        succeeded: int,
        failed: int,
        retried: int = 0,
        nodes: Iterable[str] = (),
    ) -> None:
        """Take a recorded batch in; `nodes` has each subtask's that ended."""
        self._rows.append((now, succeeded, failed, retried))
        self.totals.succeeded += succeeded
        self.totals.failed += failed
        self.totals.retried += retried
        self.totals.ended.update(nodes)

    def send(self, planned: Iterable[tuple[Sent, Line]]) -> int:
        """Bundles were sent; how many subtasks that are."""
        counts: Counter[str] = Counter()
        for sent, line in planned:
            queue, count = line.order.queue, len(sent.items)
            counts[queue] += count
            if sent.items[0].number == 1:
                waits = self.waits.setdefault(queue, Histogram())
                waits.add(sent.at - line.ready_since, times=count)
        self.totals.sent.update(counts)
        return counts.total()

    def tell(self) -> dict[str, Any]:
        """What only grows while one Foreman leads."""
        totals = self.totals
        return {
            "ended": {"succeeded": totals.succeeded, "failed": totals.failed},
            "retried": totals.retried,
            "sent": dict(totals.sent),
            "jobs": {str(state): count for state, count in self.jobs.items()},
            "waits": {queue: waits.tell() for queue, waits in self.waits.items()},
        }

    def per_second(self, now: float) -> dict[str, float]:
        """How many subtasks ended, or are tried again."""
        while self._rows and not _is_recent(self._rows[0][0], now):
            self._rows.popleft()
        return {
            f"{outcome}_per_second": sum(row[n] for row in self._rows) / RATE_SECONDS
            for n, outcome in enumerate(OUTCOMES, start=1)
        }

    def flows(self, depths: Mapping[str, int], now: float) -> dict[str, dict[str, float]]:
        """What came `in` and went `out` of each queue a second; `depths` is what waits there."""
        self._looks.append((now, depths, Counter(self.totals.sent)))
        while not _is_recent(self._looks[0][0], now):
            self._looks.popleft()
        then, before, sent = self._looks[0]
        seconds = max(now - then, 1.0)
        told = {}
        for queue, depth in depths.items():
            out = self.totals.sent[queue] - sent[queue]
            # What was cancelled went neither way.
            came = max(depth - before.get(queue, depth) + out, 0)
            told[queue] = {"in": round(came / seconds, 1), "out": round(out / seconds, 1)}
        return told


def _is_recent(at: float, now: float) -> bool:
    """Also false of what lies ahead: the clock was set back."""
    return now - RATE_SECONDS <= at <= now
