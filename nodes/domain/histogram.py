"""How long things took, counted in buckets that only grow, as Prometheus takes them."""

from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

#: From what nobody notices to what somebody should look into.
SECONDS = (
    *(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5),
    *(1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0),
)


class Histogram:
    """All values since it was made. `ends` are the upper ends of its buckets, in order."""

    def __init__(self, ends: Sequence[float] = SECONDS) -> None:
        self._ends = tuple(ends)
        self._counts = [0] * (len(self._ends) + 1)
        self._sum = 0.0

    def add(self, value: float, *, times: int = 1) -> None:
        """Count a value. A negative one, of clocks that differ, is none: it counts as 0."""
        value = max(value, 0.0)
        self._counts[bisect_left(self._ends, value)] += times
        self._sum += value * times

    def tell(self) -> dict[str, Any]:
        """The count, the sum, and in `buckets` how many were no greater than each end."""
        *within, count = accumulate(self._counts)
        buckets = list(zip(self._ends, within, strict=True))
        return {"count": count, "sum": round(self._sum, 6), "buckets": buckets}
