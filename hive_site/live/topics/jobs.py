"""`jobs`: the newest that are open, and the newest that ended."""

from collections.abc import Iterable
from itertools import chain

from hive_site.live.board import Look, Topic
from hive_site.live.topics.rows import JOB_COLUMNS, Row, job_row, unix
from jobs.domain.eta import Progress, estimate
from jobs.domain.states import JOB_OPEN, JOB_TERMINAL
from jobs.models import Job
from nodes.picture import Picture

MOST_OPEN, MOST_ENDED = 50, 20


class Jobs(Topic):
    """The jobs that people ask for."""

    def __init__(self, subject: str = "") -> None:
        super().__init__(subject)
        self._progress: dict[str, Progress] = {}

    def read(self, picture: Picture, now: float) -> Look:
        """Two short queries, whatever there is."""
        rows = Job.objects.only(*JOB_COLUMNS)
        ended = rows.filter(state__in=JOB_TERMINAL, finished_at__isnull=False)
        found = {
            job.pk: job
            for job in chain(
                rows.open().order_by("-pk")[:MOST_OPEN],
                ended.order_by("-finished_at")[:MOST_ENDED],
            )
        }
        self._progress = {pk: self._progress.get(pk, Progress()) for pk in found}
        return Look(dict(self._draw(found.values(), now)))

    def _draw(self, jobs: Iterable[Job], now: float) -> Iterable[tuple[str, Row]]:
        for job in jobs:
            yield job.pk, job_row(job, eta=estimate_end(job, self._progress[job.pk], now))


def estimate_end(job: Job, progress: Progress, now: float) -> float | None:
    """Seconds until the job will have ended, having looked at it once more; None if unknown."""
    if job.state not in JOB_OPEN:
        return None
    progress.note(job.succeeded + job.failed + job.cancelled, at=now)
    return estimate(progress, total=job.total, started_at=unix(job.started_at))
