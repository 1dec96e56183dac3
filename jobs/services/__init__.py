"""The verbs of jobs and queues. Each is one guarded change and one hint to the Foreman."""

from jobs.services.bulk import cancel_jobs, retry_jobs
from jobs.services.deliveries import retry_delivery
from jobs.services.lifecycle import cancel_job, delete_job, pause_job, resume_job
from jobs.services.limits import drop_limits, require_task, set_limits
from jobs.services.queues import list_queues, pause_queue, resume_queue
from jobs.services.retrying import release_subtask, retry_job
from jobs.services.scheduling import (
    change_schedule,
    create_schedule,
    delete_schedule,
    get_schedule,
    run_schedule,
)
from jobs.services.submission import Idempotency, KeyReused, submit_job, submit_once
from jobs.services.workflows import cancel_workflow, submit_workflow, submit_workflow_once

__all__ = [
    "Idempotency",
    "KeyReused",
    "cancel_job",
    "cancel_jobs",
    "cancel_workflow",
    "change_schedule",
    "create_schedule",
    "delete_job",
    "delete_schedule",
    "drop_limits",
    "get_schedule",
    "list_queues",
    "pause_job",
    "pause_queue",
    "release_subtask",
    "require_task",
    "resume_job",
    "resume_queue",
    "retry_delivery",
    "retry_job",
    "retry_jobs",
    "run_schedule",
    "set_limits",
    "submit_job",
    "submit_once",
    "submit_workflow",
    "submit_workflow_once",
]
