"""One subtask: a page of its own, which the job's page opens as a drawer."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from hive_site.kernel.errors import Conflict, Gone, NotFound
from hive_site.pages.frame import page, refuse, show
from jobs import services
from jobs.domain.states import OPEN, SubtaskState
from jobs.models import Attempt, Job, LogChunk, Subtask
from jobs.previews import preview
from jobs.reasons import why_subtask
from jobs.selectors import require_results
from jobs.speech import progress_told
from jobs.subtask_pages import read_error
from jobs.terminal_text import Piece, colour
from nodes import audit

CHANGE = "jobs.change_job"
MOST_TRIES = 50
#: Of its log, the last pieces.
MOST_CHUNKS = 40


@page
def subtask(request: HttpRequest, job_id: str, index: int) -> HttpResponse:
    """What became of one item: its tries, its result or error, its log, and why it was there."""
    job = require_results(job_id)
    row = _find(job, index)
    told = progress_told({job.pk}).get(job.pk, {}) if row.state in OPEN else {}
    may_release = row.state == SubtaskState.QUARANTINED and request.user.has_perm(CHANGE)
    context = {
        "job": job,
        "row": row,
        "tries": [(each, read_error(each.error)) for each in _tries(row)],
        "item": preview(row.item),
        "result": preview(row.result),
        "error": read_error(row.error),
        "why": why_subtask(job, row),
        "told": told.get(row.index),
        "log": _log(row),
        "may_release": may_release,
        "seconds": _seconds(row),
    }
    return show(request, "jobs/subtask.html", context, at="jobs")


@login_required
@require_POST
def release(request: HttpRequest, job_id: str, index: int) -> HttpResponse:
    """Give a quarantined subtask another chance, and keep who did."""
    if not request.user.has_perm(CHANGE):
        return refuse(request, f"Release takes the permission {CHANGE}.")
    try:
        job = services.release_subtask(job_id=job_id, index=index)
    except (Conflict, Gone, NotFound) as fact:
        messages.warning(request, str(fact))
    else:
        audit.record(request.user, job, f"released subtask {index} from quarantine")
        messages.success(request, f"Subtask {index} is tried again.")
    return redirect("job", job_id) if _exists(job_id) else redirect("jobs")


def _exists(job_id: str) -> bool:
    return Job.objects.filter(pk=job_id).exists()


def _find(job: Job, index: int) -> Subtask:
    row = Subtask.objects.filter(job_id=job.pk, index=index).first()
    if row is None:
        raise NotFound(f"job {job.pk} has no subtask {index}; it has {job.total:,} items")
    return row


def _tries(row: Subtask) -> list[Attempt]:
    return list(row.tries.order_by("-number")[:MOST_TRIES])[::-1]


def _log(row: Subtask) -> list[tuple[LogChunk, list[Piece]]]:
    chunks = LogChunk.objects.filter(subtask=row).order_by("-attempt", "-n")[:MOST_CHUNKS]
    return [(chunk, colour(chunk.text)) for chunk in list(chunks)[::-1]]


def _seconds(row: Subtask) -> float | None:
    ran = row.started_at and row.finished_at
    return (row.finished_at - row.started_at).total_seconds() if ran else None  # type: ignore
