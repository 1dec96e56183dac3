import pytest

from jobs.domain.ending import Counts, final_state
from jobs.domain.states import JobState


def counts(*, succeeded=0, failed=0, cancelled=0, left=0):
    return Counts(succeeded + failed + cancelled + left, succeeded, failed, cancelled)


@pytest.mark.parametrize(
    ("ended", "stopped", "broken", "state"),
    [
        (counts(succeeded=3), False, False, JobState.SUCCEEDED),
        (counts(), False, False, JobState.SUCCEEDED),
        (counts(succeeded=1, failed=2), False, False, JobState.PARTIAL),
        (counts(failed=3), False, False, JobState.FAILED),
        (counts(succeeded=1, cancelled=2), True, False, JobState.CANCELLED),
        (counts(cancelled=3), True, False, JobState.CANCELLED),
        (counts(succeeded=1, failed=1, cancelled=1), True, False, JobState.CANCELLED),
        # whoever cancels too late finds everything done
        (counts(succeeded=3), True, False, JobState.SUCCEEDED),
        (counts(succeeded=1, failed=2), True, False, JobState.PARTIAL),
        (counts(succeeded=3), False, True, JobState.FAILED),
        (counts(succeeded=1, cancelled=2), True, True, JobState.FAILED),
    ],
)
def test_a_job_ends_as_its_subtasks_did(ended, stopped, broken, state):
    assert final_state(ended, stopped=stopped, broken=broken) is state


def test_a_job_that_was_cancelled_before_its_reduction_was_cancelled():
    done = counts(succeeded=3)

    assert final_state(done, stopped=True, broken=False, unreduced=True) is JobState.CANCELLED
    assert final_state(done, stopped=True, broken=True, unreduced=True) is JobState.FAILED


def test_what_succeeded_can_be_reduced_and_so_can_nothing_at_all():
    assert counts(succeeded=1, failed=2).can_be_reduced
    assert counts().can_be_reduced
    assert not counts(failed=2, cancelled=1).can_be_reduced


def test_a_job_has_ended_when_nothing_is_left():
    assert counts(succeeded=1, failed=1, cancelled=1).all_ended
    assert counts().all_ended
    assert not counts(succeeded=2, left=1).all_ended
