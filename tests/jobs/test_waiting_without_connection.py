import pytest
from django.db import connection

from jobs.models import Job
from jobs.services import submit_job
from jobs.waiting import bell, wait_for_jobs


@pytest.mark.django_db(transaction=True)
def test_who_only_waits_holds_no_connection_to_the_database(redis, monkeypatch):
    job = submit_job(task="demo.echo", items=[1])
    held = []

    def wait(jobs, *, seen, seconds):
        held.append(connection.connection)
        Job.objects.update(state="succeeded")

    for name, stand_in in (("enter", len), ("leave", len), ("wait", wait)):
        monkeypatch.setattr(bell, name, stand_in)

    assert wait_for_jobs([job.pk], timeout=1e9)
    assert held == [None]
