"""`job:ID`: one job, with the grid of its subtasks."""

import json
import time
from collections.abc import Callable

from hive_site.kernel.errors import NotFound
from hive_site.live.board import Look, Topic
from hive_site.live.topics.job_grid import LAST_ENDED, JobGrid
from hive_site.live.topics.jobs import estimate_end
from hive_site.live.topics.rows import Row, job_row, unix
from jobs.domain.eta import Progress
from jobs.domain.states import JOB_TERMINAL, Kept
from jobs.models import Job
from jobs.reasons import why_job_waits
from jobs.waiting import Bell, bell
from nodes.picture import Picture

#: Between two looks at a job, in seconds; and so much longer than a look takes.
PAUSE_SECONDS, LONGEST_PAUSE_SECONDS, SHARE = 0.25, 5.0, 0.2
#: Why a job waits takes questions of its own, and is told in words.
REASON_SECONDS = 1.0
MOST_ERROR_CHARS = 2000
UNSEEN = ("kwargs", "result")


class OneJob(Topic):
    """The job of an id."""

    pace = PAUSE_SECONDS

    def __init__(
        self, subject: str, *, bell: Bell = bell, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(subject)
        self._clock = clock
        self._bell, self._ring = bell, lambda: None
        self._grid, self._progress = JobGrid(subject), Progress()
        self._reason: tuple[str | None, float] = (None, 0.0)

    def open(self, ring: Callable[[], None]) -> None:
        """Have it rung whenever something of the job was recorded."""
        self._ring = ring
        self._bell.follow(self.subject, ring)

    def close(self) -> None:
        """No more of that."""
        self._bell.unfollow(self.subject, self._ring)

    def read(self, picture: Picture, now: float) -> Look:
        """Its row, and what changed of its grid. Raises `NotFound`."""
        begun = self._clock()
        rows = Job.objects.defer(*UNSEEN).annotate(last_ended=LAST_ENDED)
        job = rows.filter(pk=self.subject).first()
        if job is None:
            raise NotFound(f"no job has the id {self.subject!r}")
        if job.kept != Kept.ALL:
            return Look({"job": self._draw(job, picture, now)}, grid=b"")
        changed = self._grid.read(job, in_hand(picture, job.pk, now))
        look = Look(
            {"job": self._draw(job, picture, now)},
            grid=self._grid.shown if changed is None else None,
            cells=changed or {},
        )
        # A job with much under way takes long to look at: others want the database too.
        took = self._clock() - begun
        self.pace = min(max(PAUSE_SECONDS, took / SHARE), LONGEST_PAUSE_SECONDS)
        return look

    def _draw(self, job: Job, picture: Picture, now: float) -> Row:
        return {
            **job_row(job, eta=estimate_end(job, self._progress, now)),
            "started_at": unix(job.started_at),
            "waiting_for": self._ask_why(job, picture, now),
            "error": error_text(job.error),
            "states": self._grid.count() if job.kept == Kept.ALL else {},
        }

    def _ask_why(self, job: Job, picture: Picture, now: float) -> str | None:
        if job.state in JOB_TERMINAL:
            return None
        reason, asked_at = self._reason
        if now - asked_at >= REASON_SECONDS:
            reason = why_job_waits(job, picture.current(now))
            self._reason = reason, now
        return reason


def in_hand(picture: Picture, job_id: str, now: float) -> set[int]:
    """Which items of a job slots work on just now."""
    nodes = picture.current(now).get("nodes", ())
    work = (each for node in nodes for each in node.get("work", ()))
    return {each["index"] for each in work if each["job"] == job_id and not each.get("reduce")}


def error_text(error: str | None) -> str | None:
    """What went wrong, in a line: an error without its traceback."""
    if error is None:
        return None
    facts = json.loads(error)
    return f"{facts['type']}: {facts['message']}"[:MOST_ERROR_CHARS]
