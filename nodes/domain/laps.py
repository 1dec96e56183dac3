"""How long the steps of a loop took: enough for quantiles of the last ones, and for Prometheus."""

from bisect import bisect_left
from collections import deque
from itertools import accumulate
from math import ceil
from typing import Any

#: So many of the newest steps tell quantiles.
KEPT = 1000
#: The upper ends of the buckets that only grow, in seconds.
BUCKETS = (
    *(0.001, 0.0025, 0.005, 0.0075, 0.01, 0.015, 0.025, 0.04, 0.05, 0.075),
    *(0.1, 0.15, 0.2, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
)


class Laps:
    """All steps since it was made."""

    def __init__(self) -> None:
        self._newest: deque[float] = deque(maxlen=KEPT)
        self._counts = [0] * (len(BUCKETS) + 1)
        self._seconds = 0.0

    def add(self, seconds: float) -> None:
        """One more step took so long."""
        self._newest.append(seconds)
        self._counts[bisect_left(BUCKETS, seconds)] += 1
        self._seconds += seconds

    def tell(self) -> dict[str, Any]:
        """p50, p99 and max of the newest steps, 0 if there were none; of all steps the count, the
        sum, and in `buckets` how many took no longer than each of `BUCKETS`. In seconds."""
        ranked = sorted(self._newest)
        *within, count = accumulate(self._counts)
        return {
            "p50": round(quantile(ranked, 0.5), 6),
            "p99": round(quantile(ranked, 0.99), 6),
            "max": round(quantile(ranked, 1.0), 6),
            "count": count,
            "sum": round(self._seconds, 6),
            "buckets": list(zip(BUCKETS, within, strict=True)),
        }


def quantile(ranked: list[float], share: float) -> float:
    """The smallest of these numbers that `share` of them do not exceed; 0 of none."""
    return ranked[max(ceil(share * len(ranked)), 1) - 1] if ranked else 0.0
