"""The tables of jobs, one room for each subject."""

from jobs.models.intake import IdempotencyKey, Queue
from jobs.models.notices import Delivery
from jobs.models.work import Attempt, Job, Subtask

__all__ = ["Attempt", "Delivery", "IdempotencyKey", "Job", "Queue", "Subtask"]
