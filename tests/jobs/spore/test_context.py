"""What a task is told of its place, and what it can say and remember."""

import json
import math
import sys
import threading
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from hive_site.kernel.errors import Invalid
from jobs.ids import spawned_job_id
from jobs.spore.context import Context, SharedCache
from jobs.wire import Bundle
from nodes.spore.board import CANCEL, TIMEOUT, Board, Work
from tests.jobs.spore.cast import RestlessServer, connect_to

BUNDLE = Bundle(
    id="spore-1-64",
    job="job_1",
    stop_token="job_1.1",
    task="t.task",
    total=9,
    timeout=60,
    first=100,
    kwargs={},
    items=[(1004, 4, 2, "item")],
    gpus=(1, 3),
    expires=4e9,
    idempotent=True,
)


@pytest.fixture
def cell():
    cell = Board(1)[0]
    cell.write(Work(True, 100, 1.0, 61.0, 0.0, BUNDLE.id, BUNDLE.stop_token))
    return cell


@pytest.fixture
def server():
    return RestlessServer()


@pytest.fixture
def lines():
    return []


@pytest.fixture
def ctx(cell, server, lines):
    return Context(
        bundle=BUNDLE,
        item=BUNDLE.items[0],
        attempt_id=100,
        node="spore-1",
        release="1.0",
        cell=cell,
        cache=SharedCache(connect_to(server)),
        say=lines.append,
    )


def test_a_task_knows_its_place(ctx):
    assert (ctx.job_id, ctx.subtask_id, ctx.index, ctx.total) == ("job_1", 1004, 4, 9)
    assert (ctx.attempt, ctx.node, ctx.release, ctx.gpus) == (2, "spore-1", "1.0", [1, 3])


def test_progress_is_shown_beside_what_the_agent_needs(ctx, cell):
    before = cell.read()

    ctx.progress(0.25, "a quarter")

    after = cell.read()
    assert (after.progress, after.message) == (0.25, "a quarter")
    assert (after.attempt, after.started, after.limit) == (100, before.started, before.limit)
    assert (after.busy, after.bundle, after.stop_token) == (True, BUNDLE.id, BUNDLE.stop_token)


def test_who_is_left_behind_says_nothing_of_another_attempts_progress(ctx, cell):
    later = replace(cell.read(), attempt=101, limit=99.0)
    cell.write(later)

    ctx.progress(0.25, "a quarter")

    assert cell.read() == later


def test_progress_never_undoes_what_the_slot_shows_at_the_same_time(ctx, cell):
    stop, usual = threading.Event(), sys.getswitchinterval()

    def go_on():
        while not stop.is_set():
            ctx.progress(0.5, "half")

    threads = [threading.Thread(target=go_on) for _ in range(2)]
    sys.setswitchinterval(1e-6)
    for thread in threads:
        thread.start()
    wrong = []
    for attempt in range(100, 2100):
        cell.write(Work(True, attempt, bundle=BUNDLE.id))
        shown = cell.read()
        wrong += [shown] if shown.attempt != attempt else []
    stop.set()
    for thread in threads:
        thread.join()
    sys.setswitchinterval(usual)

    assert wrong == []


@pytest.mark.parametrize(
    ("said", "shown"), [(-1, 0.0), (2, 1.0), (math.inf, 1.0), (math.nan, 0.0), (True, 1.0)]
)
def test_progress_runs_from_0_to_1_whatever_a_task_says(ctx, cell, said, shown):
    ctx.progress(said)

    assert cell.read().progress == shown


@pytest.mark.parametrize("message", ["ü" * 500, "caf\udce9", "a\0b", ""])
def test_any_text_may_be_said_with_it(ctx, cell, message):
    ctx.progress(0.5, message)

    cell.read().message.encode()


def test_a_task_learns_that_it_is_cancelled(ctx, cell):
    assert ctx.cancelled is False

    cell.order(100, CANCEL)

    assert ctx.cancelled is True


@pytest.mark.parametrize(("attempt", "what"), [(99, CANCEL), (100, TIMEOUT)])
def test_another_order_is_no_cancellation(ctx, cell, attempt, what):
    cell.order(attempt, what)

    assert ctx.cancelled is False


def test_a_line_of_log_is_the_subtasks_own_and_none_of_the_spores(ctx, lines, caplog):
    ctx.log("hello")
    ctx.log(7)

    assert lines == ["hello", "7"]
    assert caplog.records == []


def test_who_debugs_a_spore_sees_the_lines_with_their_subtasks(ctx, caplog):
    caplog.set_level("DEBUG")

    ctx.log("hello")

    [record] = caplog.records
    for part in ("task.says", "job_1", "index=4", "hello"):
        assert part in record.getMessage()


def test_what_one_node_remembers_another_one_knows(ctx, server):
    ctx.cache.set("prices", {"honey": [1.5, None]})

    elsewhere = SharedCache(connect_to(server))
    assert elsewhere.get("prices") == {"honey": [1.5, None]}
    assert elsewhere.get("weights") is None
    assert elsewhere.get("weights", 0) == 0


def test_a_null_that_was_remembered_is_not_taken_for_nothing(ctx):
    ctx.cache.set("answer", None)

    assert ctx.cache.get("answer", "nothing") is None


@pytest.mark.parametrize(("ttl", "milliseconds"), [(86_400, 86_400_000), (0.5, 500), (0, 1)])
def test_what_is_remembered_is_forgotten_in_time(ctx, server, ttl, milliseconds):
    ctx.cache.set("short", 1, ttl=ttl)

    left = connect_to(server).pttl("hive:cache:short")
    assert 0 <= left <= milliseconds or (left == -2 and milliseconds == 1)


def test_without_a_time_it_is_remembered_for_a_day(ctx, server):
    ctx.cache.set("long", 1)

    assert 86_000 < connect_to(server).ttl("hive:cache:long") <= 86_400


@pytest.fixture
def said(ctx):
    """The events that a task made."""
    events = []
    ctx._report = lambda event, size: events.append(event)
    return events


def test_a_submitted_job_has_its_id_at_once_and_the_same_one_in_every_attempt(ctx, said):
    first, second = ctx.submit("demo.echo", ["a"], priority=7), ctx.submit("demo.echo")

    assert (first, second) == (spawned_job_id("job_1", 1004, 0), spawned_job_id("job_1", 1004, 1))
    assert [(event["k"], event["a"], event["s"], event["n"]) for event in said] == [
        ("submit", 100, 1004, 0),
        ("submit", 100, 1004, 1),
    ]
    wish = {"task": "demo.echo", "items": ["a"], "priority": 7}
    assert [json.loads(event["wish"]) for event in said] == [wish, {"task": "demo.echo"}]


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        ({"task": "no.such"}, "task"),
        ({"task": "demo.echo", "priority": 11}, "priority"),
        ({"task": "demo.echo", "items": [object()]}, "items.0"),
        ({"task": "demo.echo", "itmes": []}, "itmes"),
        ({"task": "demo.echo", "items": ["x" * (1024 * 1024)]}, "items"),
        ({"task": "demo.echo", "depends_on": ["no id"]}, "depends_on"),
    ],
)
def test_a_mistake_in_a_submission_is_told_where_it_is_made(ctx, said, wish, field):
    with pytest.raises(Invalid) as caught:
        ctx.submit(**wish)

    assert (caught.value.field, said) == (field, [])


def test_a_deadline_may_be_a_time_of_python_and_is_not_judged_by_a_nodes_clock(ctx, said):
    ctx.submit("demo.echo", deadline=datetime(2001, 1, 1, tzinfo=UTC))

    assert json.loads(said[0]["wish"])["deadline"] == "2001-01-01T00:00:00+00:00"


def test_one_attempt_submits_no_more_than_a_thousand_jobs(ctx, said):
    for _ in range(1000):
        ctx.submit("demo.echo")

    with pytest.raises(Invalid, match="1,000"):
        ctx.submit("demo.echo")
    assert len(said) == 1000
