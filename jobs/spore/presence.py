"""What others see of a slot: its worker in `rq info`, and the tasks that it can run."""

import time

import structlog
from rq import SimpleWorker

from hive_site.kernel.redis import RedisError
from nodes import wire
from nodes.spore.board import Cell

log = structlog.get_logger()
SHOW_EVERY_SECONDS = 30


class Presence:
    """One slot's. `tasks` is the list of what it can run, as `describe_all` writes it."""

    def __init__(self, worker: SimpleWorker, cell: Cell, *, tasks: str) -> None:
        self._worker, self._cell, self._tasks = worker, cell, tasks
        self._shown_at = 0.0

    def show(self) -> None:
        """Before the first bundle, and every 30 s. Raises `RedisError` while Redis is away."""
        now = time.monotonic()
        if now - self._shown_at < SHOW_EVERY_SECONDS and self._shown_at:
            return
        # Its name is unique, so whatever is there is its own: a greeting that was cut short.
        if not self._worker.connection.exists(self._worker.key):
            self._worker.register_birth()
        self._worker.heartbeat()
        self._show_tasks()
        self._shown_at = now

    def show_if_possible(self) -> None:
        """The same after a bundle: whoever always has a next one never waits for any."""
        try:
            self.show()
        except (RedisError, OSError) as error:
            log.warning("redis.away", error=str(error))

    def end(self) -> None:
        """The slot ends in order."""
        try:
            self._worker.register_death()
        except (RedisError, OSError):
            log.warning("redis.away", worker=self._worker.name)

    def _show_tasks(self) -> None:
        digest = wire.digest_tasks(self._tasks)
        # Of a longer list nobody knows what is in it, and the node is tried with everything.
        if len(self._tasks) <= wire.PIECE_BYTES:
            key = wire.tasks_key(digest)
            self._worker.connection.set(key, self._tasks, ex=wire.TASKS_TTL_SECONDS)
        else:
            log.warning("tasks.unpublished", characters=len(self._tasks), most=wire.PIECE_BYTES)
        # Last: the agent tells of it, and whoever hears that looks for the list.
        self._cell.show_tasks(digest)
