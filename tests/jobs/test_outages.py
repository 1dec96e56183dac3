"""What an outage leaves half done is found and finished, while the same leader leads on."""

import pytest

from jobs import services
from tests.jobs.leader import Leader, Outage

pytestmark = pytest.mark.django_db

#: Longer than a leader takes to compare its memory with the database.
A_WHILE = 12


@pytest.fixture
def leader(redis):
    return Leader(redis)


def test_a_job_that_was_cancelled_before_it_was_seen_ends_after_an_outage(leader):
    job = services.submit_job(task="demo.echo", items=[1, 2])
    services.cancel_job(job_id=job.pk)

    with Outage('UPDATE "jobs_subtask"'):
        leader.hint("cancel", job)
    leader.rest(A_WHILE)

    assert leader.states(job) == ("cancelled", ["cancelled", "cancelled"])
