"""A side job that breaks rests; what is everybody's business is passed on."""

import pytest
from django.db import OperationalError

from hive_site.kernel.errors import Deposed, Forgotten
from nodes.side_jobs import REST, SideJobs
from tests.nodes.cast import START, after

A_REST = REST.total_seconds()


def breaking():
    raise OverflowError("date value out of range")


def test_what_breaks_rests_a_minute_and_is_counted_by_its_name():
    jobs, runs = SideJobs(), []

    def sweep():
        runs.append(1)
        return breaking()

    for seconds in (0, 1, A_REST - 1, A_REST):
        assert jobs.run("pruner", sweep, after(seconds)) is None

    assert len(runs) == 2
    assert jobs.broken == {"pruner": 2}


def test_the_others_go_on_meanwhile():
    jobs = SideJobs()
    jobs.run("pruner", breaking, START)

    assert jobs.run("stragglers", lambda: 3, START) == 3
    assert jobs.run("pruner", lambda: 4, after(A_REST)) == 4


@pytest.mark.parametrize("error", [Deposed, Forgotten, OperationalError, OSError])
def test_who_leads_and_what_is_away_is_no_fault_of_the_side_job(error):
    jobs = SideJobs()

    def work():
        raise error("not mine")

    with pytest.raises(error):
        jobs.run("pruner", work, START)

    assert jobs.run("pruner", lambda: 1, START) == 1
    assert not jobs.broken
