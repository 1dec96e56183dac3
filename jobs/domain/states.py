"""The states of jobs and subtasks. `docs/states.md` tells the same in prose."""

from enum import StrEnum


class JobState(StrEnum):
    """Where a job is."""

    BLOCKED = "blocked"
    QUEUED = "queued"
    RUNNING = "running"
    PAUSED = "paused"
    CANCELLING = "cancelling"
    SUCCEEDED = "succeeded"
    PARTIAL = "partial"
    FAILED = "failed"
    CANCELLED = "cancelled"


class SubtaskState(StrEnum):
    """Where a subtask is."""

    BLOCKED = "blocked"
    WAITING = "waiting"
    QUEUED = "queued"
    RUNNING = "running"
    RETRYING = "retrying"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    QUARANTINED = "quarantined"


JOB_TERMINAL = frozenset(
    {JobState.SUCCEEDED, JobState.PARTIAL, JobState.FAILED, JobState.CANCELLED}
)
JOB_OPEN = frozenset(JobState) - JOB_TERMINAL
TERMINAL = frozenset(
    {
        SubtaskState.SUCCEEDED,
        SubtaskState.FAILED,
        SubtaskState.CANCELLED,
        SubtaskState.QUARANTINED,
    }
)
OPEN = frozenset(SubtaskState) - TERMINAL
#: States of what is under way, or was and is about to be again.
ASTIR = frozenset({SubtaskState.QUEUED, SubtaskState.RUNNING, SubtaskState.RETRYING})


class Outcome(StrEnum):
    """How one attempt ended."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    TIMEOUT = "timeout"
    CRASHED = "crashed"
    LOST = "lost"
    CANCELLED = "cancelled"


class OnError(StrEnum):
    """What one failed subtask means for its job."""

    COLLECT = "collect"
    FAIL_FAST = "fail_fast"


class Role(StrEnum):
    """What a subtask is for: an item of the job, or the reduction of their results."""

    MAP = "map"
    REDUCE = "reduce"


class Kept(StrEnum):
    """What is left of a job that ended: everything, what is just being deleted, or its row."""

    ALL = "all"
    GOING = "going"
    ROW = "row"
