"""How often somebody may do something.

Counted in Redis, for all processes together; while Redis is away, in each process alone.
The counting is that of the library `limits`: a sliding window of two weighted counters.
"""

import time
from collections.abc import Callable

from limits import RateLimitItem, parse
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import SlidingWindowCounterRateLimiter
from redis import Redis

from hive_site.kernel.redis import RedisError, key

#: How long a Redis that did not answer is not asked again.
AWAY_SECONDS = 5.0
Counter = SlidingWindowCounterRateLimiter


def parse_rate(text: str) -> RateLimitItem:
    """A rate like `3000 per 10 seconds` or `5/minute`. Raises `ValueError`."""
    return parse(text)


class Limiter:
    """Lets each caller do one thing at some rate."""

    def __init__(
        self,
        what: str,
        rate: RateLimitItem,
        *,
        client: Callable[[], Redis],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """`what` names it in Redis; `client` is asked for a connection when one is needed."""
        self._what, self._rate, self._client, self._now = what, rate, client, now
        self._alone = Counter(MemoryStorage())
        self._together: tuple[Redis, Counter] | None = None
        self._away_until = 0.0

    def take(self, *who: str) -> float:
        """Count one try of `who`: 0 if it may go on, else the seconds until the next may."""
        return self._count(lambda counter: self._try(counter, who))

    def look(self, *who: str) -> float:
        """As `take`, but without counting."""
        return self._count(lambda counter: self._peek(counter, who))

    def forget(self, *who: str) -> None:
        """As if `who` had never tried."""
        self._count(lambda counter: self._clear(counter, who))

    def _clear(self, counter: Counter, who: tuple[str, ...]) -> float:
        counter.clear(self._rate, self._what, *who)
        return 0.0

    def _try(self, counter: Counter, who: tuple[str, ...]) -> float:
        if counter.hit(self._rate, self._what, *who):
            return 0.0
        return self._left(counter, who)

    def _peek(self, counter: Counter, who: tuple[str, ...]) -> float:
        if counter.test(self._rate, self._what, *who):
            return 0.0
        return self._left(counter, who)

    def _left(self, counter: Counter, who: tuple[str, ...]) -> float:
        resets = counter.get_window_stats(self._rate, self._what, *who).reset_time
        return max(resets - time.time(), 1.0)

    def _count(self, verb: Callable[[Counter], float]) -> float:
        if self._now() < self._away_until:
            return verb(self._alone)
        try:
            return verb(self._shared())
        except (RedisError, OSError):
            self._away_until = self._now() + AWAY_SECONDS
            return verb(self._alone)

    def _shared(self) -> Counter:
        client = self._client()
        if self._together is None or self._together[0] is not client:
            pool = client.connection_pool
            storage = RedisStorage("redis://", connection_pool=pool, key_prefix=key("limit"))
            self._together = client, Counter(storage)
        return self._together[1]
