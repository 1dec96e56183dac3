"""Names of slots in RQ's lists of workers: one that was killed could not take its name out.

RQ's workers do so for each other when they run their maintenance, which slots do without.
"""

from datetime import datetime, timedelta

from redis import Redis

from nodes import wire

EVERY = timedelta(minutes=1)
#: Anybody may have written anything there: so many at once hold up nobody.
AT_ONCE = 500


class WorkerNames:
    """Belongs to one Foreman. Once a minute it goes through them all, some at each call."""

    def __init__(self, client: Redis) -> None:
        self._client = client
        self._cursor = 0
        self._next_at: datetime | None = None

    def tidy(self, now: datetime) -> None:
        """Take out some of those that are no more. RQ keeps what it knows of a worker for a while
        after it was heard last."""
        if self._next_at is None:
            self._next_at = now + EVERY
        if now < self._next_at and not self._cursor:
            return
        self._next_at = now + EVERY
        self._cursor, names = self._client.sscan(wire.WORKERS, self._cursor, count=AT_ONCE)
        pipe = self._client.pipeline(transaction=False)
        for name in names:
            pipe.exists(name)
        alive = pipe.execute() if names else []
        self._take_out([name for name, lives in zip(names, alive, strict=True) if not lives])

    def _take_out(self, names: list[bytes]) -> None:
        if not names:
            return
        pipe = self._client.pipeline(transaction=False)
        for name in names:
            pipe.srem(wire.WORKERS, name)
            # rq:worker:NODE.INCARNATION.PID, in the list of the queue that is called like the node
            node = name.partition(b".")[0].rpartition(b":")[2]
            pipe.srem(wire.WORKERS.encode() + b":" + node, name)
        # Where a list is none, as somebody made it so, there is nothing to take out.
        pipe.execute(raise_on_error=False)
