"""The verbs of jobs and queues. Each is one guarded change and one hint to the Foreman."""

from jobs.services.bulk import cancel_jobs, retry_jobs
from jobs.services.lifecycle import cancel_job, delete_job, pause_job, resume_job
from jobs.services.queues import list_queues, pause_queue, resume_queue
from jobs.services.retrying import release_subtask, retry_job
from jobs.services.submission import Idempotency, KeyReused, submit_job, submit_once
from jobs.services.workflows import cancel_workflow, submit_workflow, submit_workflow_once

__all__ = [
    "Idempotency",
    "KeyReused",
    "cancel_job",
    "cancel_jobs",
    "cancel_workflow",
    "delete_job",
    "list_queues",
    "pause_job",
    "pause_queue",
    "release_subtask",
    "resume_job",
    "resume_queue",
    "retry_job",
    "retry_jobs",
    "submit_job",
    "submit_once",
    "submit_workflow",
    "submit_workflow_once",
]
