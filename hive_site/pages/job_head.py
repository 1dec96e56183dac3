"""The head of a job's page: what it is, how far it is, why it waits, and its family."""

import time
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from hive_site.pages.job_verbs import KIND, verbs_for
from jobs.domain.eta import Progress, estimate
from jobs.domain.states import JOB_OPEN, Kept, Role
from jobs.models import Edge, Job, Subtask
from jobs.previews import preview
from jobs.reasons import NO_LEADER, why_job_waits
from jobs.resubmission import as_curl, as_python, submission_of
from jobs.selectors import progress_of
from jobs.subtask_pages import read_error
from nodes.picture import glimpse

#: Of a large workflow, the page names so many.
MOST_RELATIVES = 50


def head_of(request: HttpRequest, job: Job) -> dict[str, Any]:
    """The context of the head."""
    reduction = _reduction(job)
    return {
        "job": job,
        "row": {"state": job.state, **progress_of(job)},
        "is_open": job.state in JOB_OPEN,
        "gone": job.kept != Kept.ALL,
        "seconds": _seconds(job),
        "eta": _eta(job),
        "why": why_job_waits(job),
        "no_leader": NO_LEADER,
        "foreman_away": job.state in JOB_OPEN and not glimpse().is_fresh(time.time()),
        "error": read_error(job.error),
        "result": preview(job.result),
        "reduction": reduction,
        "buttons": KIND.buttons(request, job.pk, *verbs_for(job)),
        **_family(job),
        **_copies(job, request.user),
    }


def _seconds(job: Job) -> float | None:
    """For how long it has run, or ran."""
    if not job.started_at:
        return None
    return ((job.finished_at or timezone.now()) - job.started_at).total_seconds()


def _eta(job: Job) -> float | None:
    """Seconds that are left, at the mean pace since the start."""
    progress, now = Progress(), timezone.now().timestamp()
    progress.note(job.succeeded + job.failed + job.cancelled, at=now)
    began = job.started_at.timestamp() if job.started_at else None
    return estimate(progress, total=job.total, started_at=began)


def _reduction(job: Job) -> Subtask | None:
    if not job.reduce or job.kept != Kept.ALL:
        return None
    return Subtask.objects.filter(job_id=job.pk, index=job.total, role=Role.REDUCE).first()


def _family(job: Job) -> dict[str, Any]:
    """Those it waits for, those that wait for it, and the others of its workflow."""
    parents = [each if isinstance(each, str) else each["job"] for each in job.depends_on]
    children = Edge.objects.filter(parent=job.pk, passed=False).values_list("child", flat=True)
    siblings = Job.objects.filter(workflow=job.workflow) if job.workflow else Job.objects.none()
    return {
        "parents": parents[:MOST_RELATIVES],
        "children": list(children[:MOST_RELATIVES]),
        "siblings": list(siblings.only("pk", "name", "state").order_by("pk")[:MOST_RELATIVES]),
        "spawner": job.spawned_by.partition("[")[0],
    }


def _copies(job: Job, user: Any) -> dict[str, Any]:
    """What submits the same again: for a shell, for Python, and in the admin's form."""
    again = submission_of(job)
    if again is None:
        return {}
    address = reverse("admin:jobs_job_add", query={"task": job.task, "like": job.pk})
    form = address if user.has_perm("jobs.add_job") else ""
    nexus = settings.HIVE.nexus_url.rstrip("/")
    texts = {"curl": as_curl(again, nexus), "python": as_python(again, nexus)}
    return {**texts, "note": again.note, "form": form}
