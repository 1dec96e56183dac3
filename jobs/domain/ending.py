"""When a job has ended, and how."""

from dataclasses import dataclass

from jobs.domain.states import JobState


@dataclass(frozen=True, slots=True)
class Counts:
    """A job's subtasks by how they ended; the reduction is not among them."""

    total: int
    succeeded: int
    failed: int
    cancelled: int

    @property
    def all_ended(self) -> bool:
        """Whether no subtask is left."""
        return self.succeeded + self.failed + self.cancelled >= self.total

    @property
    def can_be_reduced(self) -> bool:
        """Whether there is something to reduce; of no items at all there is the empty list."""
        return self.succeeded > 0 or self.total == 0


def final_state(
    counts: Counts, *, stopped: bool, broken: bool, unreduced: bool = False
) -> JobState:
    """The terminal state of a job whose subtasks all ended.

    `stopped`: it was being cancelled. `broken`: its reduction failed, its deadline passed, or
    `on_error: fail_fast` met a failure. `unreduced`: its reduction was due and did not run.
    """
    if broken:
        return JobState.FAILED
    if stopped and (counts.cancelled or unreduced):
        return JobState.CANCELLED
    if not counts.failed and not counts.cancelled:
        return JobState.SUCCEEDED
    return JobState.PARTIAL if counts.succeeded else JobState.FAILED
