"""What a task is given besides its item."""

import itertools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import structlog

from jobs.ids import spawned_job_id
from jobs.spore.shared_cache import SharedCache
from jobs.spore.submitting import encode_wish, refuse_more
from nodes.spore.board import CANCEL, Cell

if TYPE_CHECKING:
    from jobs.wire import Bundle

log = structlog.get_logger()


class Context:
    """One attempt's view of the Hive (CONTRACT §4)."""

    __slots__ = (
        "_attempt_id",
        "_calls",
        "_cell",
        "_report",
        "_say",
        "attempt",
        "cache",
        "gpus",
        "index",
        "job_id",
        "node",
        "release",
        "subtask_id",
        "total",
    )

    def __init__(
        self,
        *,
        bundle: "Bundle",
        item: tuple[int, int, int, Any],
        attempt_id: int,
        node: str,
        release: str,
        cell: Cell,
        cache: SharedCache,
        say: Callable[[str], object],
        report: Callable[[dict[str, Any], int], None] = lambda event, size: None,
    ) -> None:
        self.subtask_id, self.index, self.attempt, _ = item
        self.job_id, self.total, self.gpus = bundle.job, bundle.total, list(bundle.gpus)
        self.node, self.release, self.cache = node, release, cache
        self._attempt_id, self._cell, self._say = attempt_id, cell, say
        self._report, self._calls = report, itertools.count()

    @property
    def cancelled(self) -> bool:
        """Whether somebody cancelled the job; a long task looks now and then."""
        return self._cell.ordered(self._attempt_id) == CANCEL

    def progress(self, fraction: float, message: str = "") -> None:
        """Show how far this attempt is, from 0 to 1."""
        share = min(max(0.0, float(fraction)), 1.0)  # in this order NaN is 0
        self._cell.amend(self._attempt_id, progress=share, message=message)

    def log(self, message: str) -> None:
        """Write a line to the subtask's log, among what it prints; to the Spore's own log only
        where that shows what is there to debug."""
        self._say(str(message))
        log.debug("task.says", job=self.job_id, index=self.index, message=message)

    def submit(self, task: str, items: Sequence[Any] | None = None, **options: Any) -> str:
        """Submit a job with the options of CONTRACT §6; its id, at once.

        Another attempt of this subtask that makes the same calls gets the same jobs, once. Raises
        `Invalid` with the field's name; what only the Nexus can refuse is dropped there.
        """
        wish = {**options, "task": task} | ({} if items is None else {"items": items})
        text = encode_wish(wish)
        call = next(self._calls)
        refuse_more(call)
        event = {"k": "submit", "a": self._attempt_id, "s": self.subtask_id, "n": call}
        self._report({**event, "wish": text}, len(text))
        return spawned_job_id(self.job_id, self.subtask_id, call)
