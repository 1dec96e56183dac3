"""The tables of jobs, one room for each subject."""

from jobs.models.intake import IdempotencyKey, Queue
from jobs.models.limits import TaskLimit
from jobs.models.schedules import Schedule
from jobs.models.work import Attempt, Job, Subtask

__all__ = ["Attempt", "IdempotencyKey", "Job", "Queue", "Schedule", "Subtask", "TaskLimit"]
