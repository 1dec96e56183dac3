"""A child that is stored in the very moment in which its parent ends."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event

import pytest
from django.db import connection

from hive_site.kernel.errors import Conflict
from jobs.invariants import check_database
from jobs.services import delete_job, storing, submit_job
from tests.jobs.graphs import succeed
from tests.jobs.stage import Stage, fresh

#: How long a transaction stays open for the other one to run into it.
MOMENT_SECONDS = 0.5


@pytest.fixture
def stage(transactional_db, redis):
    return Stage(redis)


@contextmanager
def child_being_stored(monkeypatch, *parents):
    """What happens meanwhile does so before the transaction ends that stores a child."""
    stored, done = Event(), Event()
    store_edges = storing.store_edges

    def store_slowly(made):
        store_edges(made)
        stored.set()
        done.wait(MOMENT_SECONDS)

    def submit():
        try:
            return submit_job(task="demo.echo", depends_on=[p.pk for p in parents])
        finally:
            connection.close()

    monkeypatch.setattr(storing, "store_edges", store_slowly)
    with ThreadPoolExecutor(1) as pool:
        submitted = pool.submit(submit)
        assert stored.wait(10)
        try:
            yield submitted
        finally:
            done.set()


def test_whoever_ends_the_parent_sees_a_child_that_is_just_being_stored(stage, monkeypatch):
    parent = stage.submit()
    spore, bundle = stage.bundle()
    spore.succeed(bundle)
    mail = stage.mail()

    with child_being_stored(monkeypatch, parent) as child:
        stage.workload.record(mail, stage.now)

    assert (fresh(parent).state, fresh(child.result()).state) == ("succeeded", "queued")
    assert check_database() == []


def test_whoever_deletes_the_parent_sees_a_child_that_is_just_being_stored(stage, monkeypatch):
    parent, open_ = stage.submit(), stage.submit()
    succeed(stage)

    with (
        child_being_stored(monkeypatch, parent, open_) as child,
        pytest.raises(Conflict, match="takes the results"),
    ):
        delete_job(job_id=parent.pk)

    assert fresh(child.result()).state == "blocked"
    assert fresh(parent).state == "succeeded"
