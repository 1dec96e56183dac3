"""What can be mended without guessing."""

from django.utils import timezone
from redis import Redis

from jobs.domain.states import JOB_OPEN, SubtaskState
from jobs.invariants.database import wrong_counters
from jobs.invariants.redis import is_over, read_ledger
from jobs.models import Job, Subtask
from nodes import wire
from nodes.inbox import ring


def repair(client: Redis | None) -> list[str]:
    """Mend the database, and Redis if there is one; what was mended, a line each."""
    mended = []
    for job, counts in list(wrong_counters()):
        # A Foreman that moved them since we looked moved its subtasks too: look again then.
        seen = {name: getattr(job, name) for name in counts}
        if Job.objects.filter(pk=job.pk, **seen).update(**counts):
            mended.append(f"set the counters of {job.pk} to what its subtasks say")
    timeless = Subtask.objects.filter(state=SubtaskState.RETRYING, retry_at=None)
    if count := timeless.update(retry_at=timezone.now()):
        mended.append(f"made {count} subtasks that waited for no time ready now")
    if client is not None:
        mended += _forget_what_is_over(client)
    if mended:
        # The Foreman compares what it remembers of these with the database.
        for job_id in Job.objects.filter(state__in=JOB_OPEN).values_list("pk", flat=True):
            ring("again", job_id)
    return mended


def _forget_what_is_over(client: Redis) -> list[str]:
    mended = []
    for flying in read_ledger(client):
        if is_over(flying):
            client.hdel(wire.flight_key(flying.node), flying.bundle)
            mended.append(f"forgot {flying.bundle}, whose subtasks all ended")
    return mended
