import pytest
from django.db import connection, transaction

from jobs.models import Job
from jobs.services import submit_job
from jobs.waiting import bell, wait_for_jobs

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def held(monkeypatch):
    """What whoever waits holds of the database meanwhile; the second wait ends its job."""
    held = []

    def wait(jobs, *, seen, seconds):
        held.append(connection.connection)
        if len(held) == 2:
            Job.objects.update(state="succeeded")
        return False

    for name, stand_in in (("enter", len), ("leave", len), ("wait", wait)):
        monkeypatch.setattr(bell, name, stand_in)
    return held


def test_who_waits_for_long_holds_no_connection_to_the_database(redis, held):
    job = submit_job(task="demo.echo", items=[1])

    assert wait_for_jobs([job.pk], timeout=1e9)
    assert held[0] is not None  # most jobs end in a moment, and opening one takes a while
    assert held[1] is None


def test_who_waits_in_a_transaction_keeps_it(redis, held):
    with transaction.atomic():
        job = submit_job(task="demo.echo", items=[1])

        assert wait_for_jobs([job.pk], timeout=1e9)

    assert None not in held
    assert Job.objects.get().state == "succeeded"
