"""A worker as RQ sees it: on its list, with a heartbeat now and then."""

import time

import structlog
from rq import SimpleWorker

from hive_site.kernel.redis import RedisError

log = structlog.get_logger()
RQ_HEARTBEAT_SECONDS = 30


class PresentWorker(SimpleWorker):
    """RQ's worker, that `rq info` shows although RQ's own loop never runs."""

    _beat_at = 0.0

    def show_in_rq(self) -> None:
        """Let `rq info` see this worker."""
        now = time.monotonic()
        if now - self._beat_at < RQ_HEARTBEAT_SECONDS and self._beat_at:
            return
        # Its name is unique, so whatever is there is its own: a greeting that was cut short.
        if not self.connection.exists(self.key):
            self.register_birth()
        self.heartbeat()
        self._beat_at = now

    def forget_birth(self) -> None:
        """The worker goes; if Redis is away, its entry goes by itself."""
        try:
            self.register_death()
        except (RedisError, OSError):
            log.warning("redis.away", worker=self.name)
