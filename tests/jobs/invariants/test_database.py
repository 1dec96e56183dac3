"""Which states of the database are violations, and which only look like one."""

import pytest

from jobs.domain.states import JobState, Outcome, Role, SubtaskState
from jobs.invariants import check_database
from jobs.models import Attempt, Job, Subtask
from nodes.models import Lease

pytestmark = pytest.mark.django_db


def make_reduction(*, rounds, accepted):
    Lease.objects.create(pk=1, epoch=9)
    job = Job.objects.create(
        id="job_1",
        task="demo.echo",
        queue="background",
        timeout=1,
        retries=3,
        reduce="demo.echo",
        state=JobState.SUCCEEDED,
        rounds=rounds,
    )
    reduction = Subtask.objects.create(
        job=job,
        index=0,
        role=Role.REDUCE,
        state=SubtaskState.SUCCEEDED,
        item="[]",
        result="1",
        attempt=accepted,
        attempts=accepted + 1,
        seq=1,
    )
    for number in range(1, accepted + 1):
        Attempt.objects.create(
            id=number, subtask=reduction, number=number, outcome=Outcome.SUCCEEDED
        )


def test_a_reduction_may_succeed_once_in_each_round():
    make_reduction(rounds=2, accepted=2)

    assert check_database() == []


def test_a_reduction_that_succeeded_twice_in_a_round_is_found():
    make_reduction(rounds=2, accepted=3)

    assert [violation.rule for violation in check_database()] == ["I1"]


def test_an_end_that_no_transaction_wrote_is_found():
    make_reduction(rounds=1, accepted=1)
    Subtask.objects.update(seq=0)

    [found] = check_database()

    assert (found.rule, found.subject) == ("I14", "job_1[0]")


def test_an_end_of_an_epoch_that_has_not_led_is_found():
    make_reduction(rounds=1, accepted=1)
    Subtask.objects.update(seq=10 << 32)

    assert [violation.rule for violation in check_database()] == ["I14"]
