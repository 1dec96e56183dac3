"""Writes down that somebody is to be told of a job's end, in the transaction that ends it."""

from django.conf import settings
from django.utils import timezone

from hive_site.kernel.ids import new_id
from jobs.json_text import assemble
from jobs.models import Delivery, Job
from jobs.selectors import job_text, stamp
from jobs.webhooks.address import read_url

#: A longer result is left out; `links` say where it is.
MAX_RESULT_BYTES = 256 * 1024


def note_end(job_id: str) -> None:
    """Put the end of this job into the outbox, if its submitter wants to be told.

    To be called once for each end, in its transaction; a second call changes nothing.
    """
    job = Job.objects.exclude(webhook="").filter(pk=job_id).first()
    if job is None:
        return
    if job.result and _is_too_large(job.result):
        job.result = None
    parts = read_url(job.webhook)
    row = Delivery(
        id=new_id("msg"),
        job=job.pk,
        round=job.rounds,
        url=job.webhook,
        host=(parts.host or "" if parts else "")[:255],
        body=_compose(job),
    )
    Delivery.objects.bulk_create([row], ignore_conflicts=True)


def _is_too_large(result: str) -> bool:
    # What is kept elsewhere is written `@digest:size`, which is no JSON.
    return result.startswith("@") or len(result.encode()) > MAX_RESULT_BYTES


def _compose(job: Job) -> str:
    """The message: what happened, when, and the job as the API shows it, with whole addresses."""
    head = {"type": f"job.{job.state}", "timestamp": stamp(job.finished_at or timezone.now())}
    return assemble(head, data=job_text(job, base=settings.HIVE.nexus_url.rstrip("/")))
