"""Many lines are filled at once as each would be alone."""

import pytest

from jobs import pages
from jobs.domain.flight import Flight
from jobs.loader import open_line
from jobs.models import Attempt, Job, Subtask
from jobs.pages import bunches, fill, fill_bunch, page_query
from jobs.services import submit_job
from tests.jobs.cast import FIRST, NOW, bundle
from tests.jobs.stage import fresh

pytestmark = pytest.mark.usefixtures("db", "redis")


def set_state(job, index, state, **also):
    Subtask.objects.filter(job=job, index=index).update(state=state, **also)


def varied():
    """Jobs in all conditions: plain, half done, retrying, crashed, without items, reduced."""
    jobs = [submit_job(task="demo.echo", items=list(range(3)), reduce="demo.echo") for _ in "abcd"]
    set_state(jobs[0], 1, "retrying", retry_at=NOW)
    set_state(jobs[1], 0, "running", crashes=1)
    crashed = Subtask.objects.get(job=jobs[1], index=0)
    Attempt.objects.create(id=FIRST, subtask=crashed, number=1, node="a", outcome="crashed")
    for index in range(3):
        set_state(jobs[2], index, "succeeded", result=str(index))
    set_state(jobs[2], 3, "waiting")
    set_state(jobs[3], 1, "queued")
    Job.objects.filter(pk=jobs[3].pk).update(at_most_once=True)
    Subtask.objects.filter(job=jobs[3]).exclude(index=1).update(state="succeeded", result="1")
    return [fresh(job) for job in jobs]


def seen(line):
    return list(line.ready), line.later, line.exhausted


def test_a_bunch_holds_what_each_line_would_hold_alone(django_assert_max_num_queries):
    jobs = varied()
    flight = Flight()
    first = open_line(jobs[0])
    fill(first, Flight())
    flight.add(bundle(first.ready[0]))
    alone, together = [open_line(job) for job in jobs], [open_line(job) for job in jobs]
    for line in alone:
        fill(line, flight)

    with django_assert_max_num_queries(4):  # rows, crashes, and a reduction's two
        fill_bunch(together, flight)

    assert [seen(line) for line in together] == [seen(line) for line in alone]
    assert not any(line.order.once and line.ready for line in together)


def test_a_bunch_is_a_page_at_most_or_one_large_job(monkeypatch):
    monkeypatch.setattr(pages, "PAGE", 10)
    monkeypatch.setattr(pages, "LINES_AT_ONCE", 3)
    sizes = [4, 4, 4, 20, 1, 1, 1, 1, 1]
    lines = [open_line(submit_job(task="demo.echo", items=[0] * size)) for size in sizes]

    found = [[line.order.total for line in bunch] for bunch in bunches(lines)]

    assert found == [[4, 4], [20], [4, 1, 1], [1, 1, 1]]


def test_a_line_that_was_filled_goes_on_where_it_was(monkeypatch):
    monkeypatch.setattr("jobs.pages.PAGE", 2)
    monkeypatch.setattr("jobs.pages.NEXT_PAGE", page_query(2))
    lines = [open_line(submit_job(task="demo.echo", items=[0] * 3)) for _ in range(2)]
    for line in lines:
        fill(line, Flight())
        line.ready.clear()

    for bunch in bunches(lines):
        fill_bunch(bunch, Flight())

    assert [[ready.index for ready in line.ready] for line in lines] == [[2], [2]]
