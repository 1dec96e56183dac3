"""The tables of jobs, one room for each subject."""

from jobs.models.blobs import Blob, CachedResult
from jobs.models.graphs import Edge
from jobs.models.intake import IdempotencyKey, Queue
from jobs.models.limits import TaskLimit
from jobs.models.notices import Delivery
from jobs.models.schedules import Schedule
from jobs.models.streams import LogChunk, Partial
from jobs.models.tasks import RemoteTask
from jobs.models.work import Attempt, Job, Subtask

__all__ = [
    "Attempt",
    "Blob",
    "CachedResult",
    "Delivery",
    "Edge",
    "IdempotencyKey",
    "Job",
    "LogChunk",
    "Partial",
    "Queue",
    "RemoteTask",
    "Schedule",
    "Subtask",
    "TaskLimit",
]
