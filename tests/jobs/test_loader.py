"""From rows to the leader's memory."""

import pytest

from jobs import pages
from jobs.domain.flight import Flight
from jobs.loader import load_open, load_reduction, open_line, read_order
from jobs.models import Attempt, Job, Subtask
from jobs.pages import fill
from jobs.services import submit_job
from nodes.domain.placement import Demand
from tests.jobs.cast import FIRST, NOW, bundle
from tests.jobs.stage import fresh

pytestmark = pytest.mark.usefixtures("db", "redis")


@pytest.fixture(autouse=True)
def small_pages(monkeypatch):
    monkeypatch.setattr(pages, "PAGE", 4)
    monkeypatch.setattr(pages, "NEXT_PAGE", pages.page_query(4))
    monkeypatch.setattr(pages, "LOW_WATER", 2)


def indexes(line):
    return [item.index for item in line.ready]


def set_state(job, index, state, **also):
    Subtask.objects.filter(job=job, index=index).update(state=state, **also)


def test_an_order_holds_what_its_job_was_asked_for():
    job = submit_job(
        task="demo.echo",
        items=[1, 2],
        kwargs={"a": 1},
        queue="high_priority",
        priority=7,
        timeout=9,
        retries=2,
        requires={"gpu": 1, "memory_mb": 5, "labels": {"b": "2", "a": "1"}, "capabilities": ["x"]},
        on_error="fail_fast",
    )

    order = read_order(job)

    assert (order.job, order.task, order.queue, order.rank) == (
        job.pk,
        "demo.echo",
        "high_priority",
        0,
    )
    assert (order.priority, order.total, order.timeout, order.kwargs) == (7, 2, 9.0, '{"a":1}')
    assert (order.policy.retries, order.policy.backoff) == (2, (2, 8, 32))
    assert order.demand == Demand(
        gpu=1, memory_mb=5, labels=(("a", "1"), ("b", "2")), capabilities=frozenset({"x"})
    )
    assert (order.alone, order.fail_fast) == (True, True)


def test_an_order_of_a_queue_that_the_settings_no_longer_name_comes_last():
    job = submit_job(task="demo.echo")
    Job.objects.update(queue="renamed")

    assert read_order(fresh(job)).rank == 2


def test_another_round_has_another_token_for_cancellations():
    job = submit_job(task="demo.echo")
    first = read_order(job).stop_token
    Job.objects.update(rounds=2)

    assert read_order(fresh(job)).stop_token != first


@pytest.mark.parametrize(
    ("state", "held", "stopped", "started"),
    [
        ("queued", False, False, False),
        ("running", False, False, True),
        ("paused", True, False, False),
        ("cancelling", False, True, False),
    ],
)
def test_a_line_opens_in_the_state_of_its_job(state, held, stopped, started):
    job = submit_job(task="demo.echo", items=[0] * 5)
    Job.objects.update(state=state, succeeded=1, failed=1, cancelled=1, started_at=NOW)

    line = open_line(fresh(job))

    assert (line.held, line.stopped, line.started, line.remaining) == (held, stopped, started, 2)
    assert not line.ready


def test_a_window_is_filled_page_by_page_to_the_end():
    line = open_line(submit_job(task="demo.echo", items=list(range(6))))

    fill(line, Flight())
    assert (indexes(line), line.exhausted) == ([0, 1, 2, 3], False)
    fill(line, Flight())
    assert indexes(line) == [0, 1, 2, 3]  # it holds enough
    line.ready.clear()
    fill(line, Flight())

    assert (indexes(line), line.exhausted) == ([4, 5], True)


def test_a_full_last_page_is_followed_by_an_empty_one():
    line = open_line(submit_job(task="demo.echo", items=list(range(4))))

    for _ in range(3):
        line.ready.clear()
        fill(line, Flight())

    assert (indexes(line), line.exhausted) == ([], True)


def test_only_what_has_not_ended_and_is_not_blocked_is_loaded():
    job = submit_job(task="demo.echo", items=[0] * 3, reduce="demo.echo")
    set_state(job, 0, "succeeded")
    set_state(job, 1, "running", attempts=2)
    line = open_line(job)

    fill(line, Flight())

    assert indexes(line) == [1, 2]
    assert [item.number for item in line.ready] == [3, 1]


def test_what_is_in_flight_is_left_there():
    job = submit_job(task="demo.echo", items=[0] * 3)
    flight = Flight()
    flight.add(bundle(*load_page(job)[1:2]))
    line = open_line(job)

    fill(line, flight)

    assert indexes(line) == [0, 2]


def load_page(job):
    line = open_line(job)
    fill(line, Flight())
    return list(line.ready)


def test_a_retry_waits_for_its_time():
    job = submit_job(task="demo.echo", items=[0] * 2)
    set_state(job, 0, "retrying", retry_at=NOW)
    line = open_line(job)

    fill(line, Flight())

    assert indexes(line) == [1]
    assert line.next_due() == NOW.timestamp()


def test_the_nodes_where_it_crashed_are_avoided():
    job = submit_job(task="demo.echo", items=[0] * 2)
    set_state(job, 0, "retrying", crashes=2)
    subtask = Subtask.objects.get(job=job, index=0)
    for n, (node, outcome) in enumerate([("a", "crashed"), ("b", "crashed"), ("c", "failed")]):
        Attempt.objects.create(id=FIRST + n, subtask=subtask, number=n, node=node, outcome=outcome)

    first, second = load_page(job)

    assert (first.avoid, second.avoid) == ({"a", "b"}, set())


def test_a_reduction_is_given_the_results_in_item_order_as_they_are():
    job = submit_job(task="demo.echo", items=[0] * 4, reduce="demo.echo")
    for index, text in [(3, '{"a": 2.50}'), (0, '"é"'), (1, "null")]:
        set_state(job, index, "succeeded", result=text)
    set_state(job, 2, "failed")
    assert load_reduction(job.pk) is None
    set_state(job, 4, "waiting")

    ready = load_reduction(job.pk)

    assert (ready.item, ready.reduce, ready.index) == ('["é",null,{"a": 2.50}]', True, 4)
    assert load_page(job)[-1] == ready


def test_open_subtasks_are_found_with_their_newest_closed_attempt():
    job = submit_job(task="demo.echo", items=list(range(1200)))
    set_state(job, 0, "succeeded")
    set_state(job, 1, "retrying", attempt=77, attempts=3)
    rows = list(Subtask.objects.order_by("index").values_list("pk", flat=True))

    found = load_open(rows)

    assert len(found) == 1199
    ready, newest = found[rows[1]]
    assert (ready.index, ready.number, ready.item, newest) == (1, 4, "1", 77)
