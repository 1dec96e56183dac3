"""What people do to jobs, queues and what belongs to them, on the pages and in the admin."""

from collections.abc import Mapping, Sequence
from typing import Any

from jobs import services
from jobs.domain.states import OPEN, SubtaskState
from jobs.models import Job, Queue, Subtask
from jobs.shelves import queue_views, waiting_jobs
from nodes.verbs import Verb, tell

CHANGE = "jobs.change_job"
#: So many rows are looked at to say on how many nodes something runs.
LOOKED_AT = 2_000


def stopped_by_cancelling(jobs: Sequence[Job]) -> str:
    """What runs of jobs, on how many nodes, and what waits. Their counters are seconds old."""
    running = sum(job.running for job in jobs)
    ended = sum(job.succeeded + job.failed + job.cancelled for job in jobs)
    waiting = max(sum(job.total for job in jobs) - ended - running, 0)
    where = f" on {tell(_nodes_of(jobs), 'node')}" if running else ""
    return f"Stops {tell(running, 'subtask')}{where}, and drops {waiting:,} that wait."


def _nodes_of(jobs: Sequence[Job]) -> int:
    mine = {"job__in": [job.pk for job in jobs], "state__in": sorted(OPEN)}  # the partial index
    rows = Subtask.objects.filter(**mine).filter(state=SubtaskState.RUNNING)
    return len(set(rows.values_list("node", flat=True)[:LOOKED_AT]))


def tried_again(jobs: Sequence[Job]) -> str:
    """How many subtasks did not succeed."""
    return f"{tell(sum(job.failed + job.cancelled for job in jobs), 'subtask')} run again."


def held_by_pausing(queues: Sequence[Queue]) -> str:
    """What waits in queues, and of how many jobs."""
    depths = {view["name"]: view["depth"] for view in queue_views()}
    held = sum(depths.get(queue.name, 0) for queue in queues)
    jobs = sum(waiting_jobs(queue.name, 1)[1] for queue in queues)
    return f"{tell(held, 'subtask waits', 'subtasks wait')} there, of {tell(jobs, 'job')}."


def _release(pk: str, who: str) -> object:
    job_id, index = Subtask.objects.values_list("job_id", "index").get(pk=pk)
    return services.release_subtask(job_id=job_id, index=index)


def _enable(enabled: bool) -> Any:
    return lambda name, who: services.change_schedule(name=name, fields={"enabled": enabled})


JOB_VERBS: Mapping[str, Verb] = {
    "cancel": Verb(
        "Cancel",
        "What waits is not started any more, and what runs is stopped. Results so far stay.",
        CHANGE,
        lambda job_id, who: services.cancel_job(job_id=job_id),
        "is being cancelled",
        asks=True,
        touches=stopped_by_cancelling,
    ),
    "pause": Verb(
        "Pause",
        "Nothing more of it is started; what runs comes to its end.",
        CHANGE,
        lambda job_id, who: services.pause_job(job_id=job_id),
        "is paused",
    ),
    "resume": Verb(
        "Resume",
        "It goes on.",
        CHANGE,
        lambda job_id, who: services.resume_job(job_id=job_id),
        "goes on",
    ),
    "retry": Verb(
        "Retry failed",
        "What did not succeed runs again; what did stays as it is.",
        CHANGE,
        lambda job_id, who: services.retry_job(job_id=job_id),
        "is tried again",
        touches=tried_again,
    ),
}
SUBTASK_VERBS: Mapping[str, Verb] = {
    "release": Verb(
        "Release from quarantine",
        "It is tried once more, with fresh budgets.",
        CHANGE,
        _release,
        "is tried again",
    ),
}
QUEUE_VERBS: Mapping[str, Verb] = {
    "pause": Verb(
        "Pause",
        "Nothing more of it is started; what runs comes to its end.",
        "jobs.change_queue",
        lambda name, who: services.pause_queue(name=name),
        "is paused",
        asks=True,
        touches=held_by_pausing,
    ),
    "resume": Verb(
        "Resume",
        "Its work is started again.",
        "jobs.change_queue",
        lambda name, who: services.resume_queue(name=name),
        "is open again",
    ),
}
SCHEDULE_VERBS: Mapping[str, Verb] = {
    "run": Verb(
        "Run now",
        "Its job is submitted now, beside those that are due.",
        "jobs.change_schedule",
        lambda name, who: services.run_schedule(name=name, submitted_by=who),
        "was run",
    ),
    "enable": Verb(
        "Enable",
        "Its jobs are submitted when they are due.",
        "jobs.change_schedule",
        _enable(True),
        "is enabled",
    ),
    "disable": Verb(
        "Disable",
        "Its jobs are submitted no more.",
        "jobs.change_schedule",
        _enable(False),
        "is disabled",
    ),
}
DELIVERY_VERBS: Mapping[str, Verb] = {
    "retry": Verb(
        "Send again now",
        "All tries begin anew.",
        "jobs.change_delivery",
        lambda pk, who: services.retry_delivery(delivery_id=pk),
        "is sent again",
    ),
}
