"""Waiting for a job in front of a terminal: a bar, and a question when somebody presses Ctrl-C."""

import contextlib
import time
from typing import TYPE_CHECKING

from hive_site.kernel.errors import Conflict
from jobs.client import wants_to_detach

if TYPE_CHECKING:
    from rich.console import Console

LOOK_EVERY_SECONDS = 0.25


def wait_for_job(job_id: str, *, seconds: float, console: "Console") -> None:
    """Return when the job has ended, or after `seconds`; a terminal shows how far it is.

    Ctrl-C asks on a terminal whether the job shall go on, and cancels it elsewhere; then
    `KeyboardInterrupt`.
    """
    from jobs import services, waiting

    try:
        if console.is_terminal:
            _watch(job_id, seconds, console)
        else:
            waiting.wait_for_jobs([job_id], timeout=seconds)
    except KeyboardInterrupt:
        if not wants_to_detach(job_id):
            with contextlib.suppress(Conflict):  # it has ended
                services.cancel_job(job_id=job_id)
        raise


def _watch(job_id: str, seconds: float, console: "Console") -> None:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.progress import TimeElapsedColumn as Elapsed

    from jobs import selectors, waiting

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), Elapsed())
    end = time.monotonic() + seconds
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task(job_id)
        ended = False
        while not ended and (left := end - time.monotonic()) > 0:
            ended = waiting.wait_for_jobs([job_id], timeout=min(left, LOOK_EVERY_SECONDS))
            view = selectors.job_view(job_id)
            counts = view["progress"]
            done = counts["succeeded"] + counts["failed"] + counts["cancelled"]
            said = f"{view['task']} {view['state']}"
            progress.update(bar, completed=done, total=counts["total"], description=said)
