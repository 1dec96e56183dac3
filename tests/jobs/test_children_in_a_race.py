"""A child that is stored in the very moment in which its parent ends."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
from django.db import connection

from jobs.invariants import check_database
from jobs.services import submission, submit_job
from tests.jobs.stage import Stage, fresh

#: How long a transaction stays open for the other one to run into it.
MOMENT_SECONDS = 0.5


@pytest.mark.django_db(transaction=True)
def test_whoever_ends_the_parent_sees_a_child_that_is_just_being_stored(redis, monkeypatch):
    stage = Stage(redis)
    parent = stage.submit()
    spore, bundle = stage.bundle()
    spore.succeed(bundle)
    mail = stage.mail()
    stored, ended = Event(), Event()
    store_parents = submission._store_parents

    def store_slowly(job, parents):
        store_parents(job, parents)
        stored.set()
        ended.wait(MOMENT_SECONDS)

    monkeypatch.setattr(submission, "_store_parents", store_slowly)

    def submit():
        try:
            return submit_job(task="demo.echo", depends_on=[parent.pk])
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        submitted = pool.submit(submit)
        assert stored.wait(10)
        stage.workload.record(mail, stage.now)
        ended.set()
        child = submitted.result()

    assert (fresh(parent).state, fresh(child).state) == ("succeeded", "queued")
    assert check_database() == []
