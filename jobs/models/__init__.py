"""The tables of jobs, one room for each subject."""

from jobs.models.graphs import Edge
from jobs.models.intake import IdempotencyKey, Queue
from jobs.models.work import Attempt, Job, Subtask

__all__ = ["Attempt", "Edge", "IdempotencyKey", "Job", "Queue", "Subtask"]
