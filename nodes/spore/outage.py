"""What a process of a Spore says and does while Redis is away, or does not let it in."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog
from redis.exceptions import AuthenticationError, NoPermissionError

from hive_site.kernel.pulse import SILENT, Pulse
from hive_site.kernel.redis import RedisError

log = structlog.get_logger()
SAY_EVERY_SECONDS = 60.0
#: Whoever is refused asks less and less often: a restarted Redis knows nobody for a moment, and
#: one that was revoked would knock for ever.
LONGEST_REST_SECONDS = 5.0
REFUSALS = (AuthenticationError, NoPermissionError)
WAY_OUT = (
    "if it was revoked or invited anew, `hive invite --name` on the Nexus lets it in again;"
    " if Redis was restarted, the Foreman does so by itself;"
    " a pool comes in if HIVE_REDIS_POOLS of the Foreman names it"
)


class Resting(RedisError):
    """Redis is not to be asked yet."""


class Outage:
    """One process's. Says what is wrong once, and then once a minute."""

    def __init__(
        self, pulse: Pulse = SILENT, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._pulse, self._clock = pulse, clock
        self._event, self._said_at = "", 0.0
        self._rest_seconds, self._ask_at = 0.0, 0.0

    @contextmanager
    def endured(self, seconds: float) -> Iterator[None]:
        """Whatever Redis does inside breaks nobody: it is said, and `seconds` go by."""
        try:
            yield
        except (RedisError, OSError) as error:
            self.suffer(error)
            self._pulse.beat("is cut off from Redis", works=False)
            time.sleep(seconds)
        else:
            self.end()

    def refrain(self) -> None:
        """Raises `Resting` while whoever was refused is not to ask again."""
        if self._clock() < self._ask_at:
            raise Resting

    def suffer(self, error: Exception) -> None:
        """Say what happened, if it is news, and see to it that a refusal is not asked for."""
        if isinstance(error, Resting):
            return
        now, refused = self._clock(), isinstance(error, REFUSALS)
        event = "redis.refused" if refused else "redis.away"
        if event != self._event or now - self._said_at >= SAY_EVERY_SECONDS:
            self._event, self._said_at = event, now
            log.warning(event, error=str(error), **({"way_out": WAY_OUT} if refused else {}))
        self._rest_seconds = (
            min(self._rest_seconds * 2 or 0.5, LONGEST_REST_SECONDS) if refused else 0.0
        )
        self._ask_at = now + self._rest_seconds

    def end(self) -> None:
        """Redis answered."""
        if self._event:
            log.info("redis.back")
        self._event, self._rest_seconds = "", 0.0
