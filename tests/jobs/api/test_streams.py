"""A job as it runs, over REST: events, logs, the grid, and results as lines."""

import asyncio
import json
import sys
import time

import pytest
from django.db import connection
from django.utils import timezone

from hive_site.kernel.errors import Gone
from jobs.api.streaming import result_lines, walk_async
from jobs.api.streams import read_page
from jobs.domain.following import Position
from jobs.models import Job, LogChunk, Subtask
from jobs.services import submit_job

URL = "/api/v1/jobs/"
#: One statement, because a hundred thousand objects would take longer than the test.
MANY = """
    WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < %s)
    INSERT INTO jobs_subtask (job_id, "index", role, state, item, result, node,
                              attempt, attempts, errors, crashes, losses, seq)
    SELECT %s, i, 'map', 'succeeded', '1', '"honey"', 'spore-1', 1, 1, 0, 0, 0, 4294967297 FROM n
"""


@pytest.fixture
def job(db, redis):
    return submit_job(task="demo.echo", items=[1, 2, 3])


@pytest.fixture
def large(db, redis):
    """A job of 100,000 items that succeeded."""
    job = submit_job(task="demo.echo", items=[])
    Job.objects.filter(pk=job.pk).update(total=100_000, succeeded=100_000)
    with connection.cursor() as cursor:
        cursor.execute(MANY, [99_999, job.pk])
    return job


def say(job, text, *, index=0, attempt=1, n=1, node="spore-1"):
    """A piece of log as the Foreman records it."""
    subtask = Subtask.objects.get(job=job, index=index)
    LogChunk.objects.create(
        job=job,
        subtask=subtask,
        attempt=100 + attempt,
        number=attempt,
        node=node,
        n=n,
        seq=n,
        text=text,
    )


def end(job):
    Subtask.objects.filter(job=job).update(
        state="succeeded", result="1", attempt=1, attempts=1, seq=7, node="spore-1"
    )
    Job.objects.filter(pk=job.pk).update(state="succeeded", succeeded=3)


def body_of(answer):
    """All that is streamed."""

    async def collect():
        return b"".join([part async for part in answer.streaming_content])

    return asyncio.run(collect())


@pytest.mark.django_db(transaction=True)
def test_the_events_of_a_job_that_has_ended_are_told_from_the_first_to_the_end(api, job):
    say(job, "hello\n")
    end(job)

    answer = api.get(f"{URL}{job.pk}/events/")

    assert answer.headers["Content-Type"] == "text/event-stream"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Accel-Buffering"] == "no"
    blocks = body_of(answer).decode().split("\n\n")
    names = [block.split("\n")[0] for block in blocks if block]
    assert names == [
        "retry: 1000",
        "event: log",
        *["event: result"] * 3,
        "event: state",
        "event: end",
    ]
    final = json.loads(blocks[-2].split("\ndata: ")[1])
    assert final == api.get(f"{URL}{job.pk}/").json()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("how", ["header", "query"])
def test_a_reader_says_where_it_has_got_to(api, job, how):
    end(job)
    second = Subtask.objects.get(job=job, index=1).pk
    place = f"7.3.{second}"

    if how == "header":
        answer = api.get(f"{URL}{job.pk}/events/", headers={"Last-Event-ID": place})
    else:
        answer = api.get(f"{URL}{job.pk}/events/?last_event_id={place}")

    results = [b for b in body_of(answer).decode().split("\n\n") if "event: result" in b]
    assert [json.loads(each.split("data: ")[1])["index"] for each in results] == [2]


@pytest.mark.parametrize("place", ["7", "x", "1.2.3.4", "1.1.99999999999999999999"])
def test_a_place_that_does_not_exist_is_refused_with_the_way_out(api, job, place):
    answer = api.get(f"{URL}{job.pk}/events/", headers={"Last-Event-ID": place})

    assert answer.status_code == 400
    [error] = answer.json()["errors"]
    assert error["pointer"] == "/Last-Event-ID"
    assert "leave it out" in error["detail"]


@pytest.mark.parametrize("path", ["events/", "grid/", "subtasks/0/log/"])
def test_of_a_job_that_does_not_exist_there_is_nothing(api, path):
    answer = api.get(f"{URL}job_0/{path}")

    assert (answer.status_code, answer.headers["Content-Type"]) == (404, "application/problem+json")


@pytest.mark.parametrize("path", ["events/", "grid/", "subtasks/0/log/"])
@pytest.mark.parametrize("kept", ["going", "row"])
def test_of_a_job_whose_results_were_deleted_nothing_is_shown(api, job, path, kept):
    end(job)
    Job.objects.filter(pk=job.pk).update(kept=kept, finished_at=timezone.now())

    answer = api.get(f"{URL}{job.pk}/{path}")

    assert answer.status_code == 410
    assert "HIVE_RESULT_TTL" in answer.json()["detail"]


def test_events_of_a_job_that_is_deleted_meanwhile_stop_without_an_end(api, job):
    answer = api.get(f"{URL}{job.pk}/events/")
    Subtask.objects.all().delete()
    job.delete()

    assert b"event: end" not in body_of(answer)


def test_a_log_is_text_with_a_line_for_each_attempt(api, job):
    say(job, "one\n", attempt=1, n=1)
    say(job, "two", attempt=1, n=2)
    say(job, "three\n", attempt=2, node="spore-2")
    say(job, "of another\n", index=1)

    answer = api.get(f"{URL}{job.pk}/subtasks/0/log/")

    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.content.decode().splitlines() == [
        *("--- attempt 1 on spore-1 ---", "one", "two"),
        *("--- attempt 2 on spore-2 ---", "three"),
    ]


def test_a_log_is_json_for_who_wants_json(api, job):
    say(job, "é\n", attempt=2)

    answer = api.get(f"{URL}{job.pk}/subtasks/0/log/", headers={"Accept": "application/json"})

    assert answer.json() == {
        "results": [{"index": 0, "attempt": 2, "node": "spore-1", "text": "é\n"}],
        "next": None,
    }


def test_the_log_of_one_attempt(api, job):
    say(job, "one\n", attempt=1)
    say(job, "two\n", attempt=2)

    text = api.get(f"{URL}{job.pk}/subtasks/0/log/?attempt=2").content.decode()

    assert text == "--- attempt 2 on spore-1 ---\ntwo\n"


@pytest.mark.parametrize("attempt", ["0", "-1", "x", "1.5", "9" * 30])
def test_an_attempt_that_cannot_be_is_refused(api, job, attempt):
    answer = api.get(f"{URL}{job.pk}/subtasks/0/log/?attempt={attempt}")

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "/attempt")


def test_who_said_nothing_has_an_empty_log_and_who_is_not_there_has_none(api, job):
    assert api.get(f"{URL}{job.pk}/subtasks/0/log/").content == b""
    assert api.get(f"{URL}{job.pk}/subtasks/3/log/").status_code == 404


def test_of_very_many_attempts_the_last_are_shown(api, job, monkeypatch):
    monkeypatch.setattr("jobs.speech.MOST_LOGS", 2)
    for attempt in range(1, 5):
        say(job, f"{attempt}\n", attempt=attempt)

    text = api.get(f"{URL}{job.pk}/subtasks/0/log/").content.decode()

    assert [line for line in text.splitlines() if "-" not in line] == ["3", "4"]


def test_the_grid_is_one_byte_for_each_item(api, redis):
    job = submit_job(task="demo.echo", items=[1, 2, 3], reduce="demo.echo")
    Subtask.objects.filter(job=job, index=1).update(state="running")

    answer = api.get(f"{URL}{job.pk}/grid/")

    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.content == bytes([1, 3, 1])


def test_the_grid_of_a_large_job_takes_one_query_and_a_moment(
    api, large, django_assert_num_queries
):
    begun = time.perf_counter()
    content = api.get(f"{URL}{large.pk}/grid/").content
    took = time.perf_counter() - begun

    assert content == bytes([5]) * 100_000
    assert took < 1  # on a quiet machine a tenth of it


@pytest.mark.django_db(transaction=True)
def test_all_results_of_a_large_job_pass_through_little_memory(large):
    async def read():
        before, count, most = sys.getallocatedblocks(), 0, 0
        async for text in walk_async(
            lambda after: result_lines(large.pk, after, total=100_000), -1
        ):
            count += text.count("\n")
            most = max(most, sys.getallocatedblocks() - before)
        return count, most

    count, most = asyncio.run(read())

    assert count == 100_000
    assert most < count / 5


def test_all_events_of_a_large_job_pass_through_little_memory(large):
    before, count, most = sys.getallocatedblocks(), 0, 0
    after, page = Position(), None
    while page is None or not page.whole:
        page = read_page(large.pk, after)
        count, after = count + page.body.count(b"event: result"), page.end
        most = max(most, sys.getallocatedblocks() - before)

    assert count == 100_000
    assert most < count / 5


def test_results_on_lines_stay_on_their_lines_whatever_a_node_wrote(api, job):
    end(job)
    Subtask.objects.filter(job=job, index=0).update(result='{\n"a":\r\n1}')

    answer = api.get(f"{URL}{job.pk}/results/", headers={"Accept": "application/x-ndjson"})

    lines = b"".join(answer.streaming_content).decode().splitlines()
    assert [json.loads(line)["result"] for line in lines] == [{"a": 1}, 1, 1]


@pytest.mark.parametrize("deleted", [[0], [1], [2], [0, 1, 2]])
def test_results_that_are_deleted_while_they_are_read_break_off(api, job, deleted, monkeypatch):
    """Whatever order the pruner took them in, and between which pages."""
    monkeypatch.setattr("jobs.api.streaming.PAGE_ROWS", 1)
    end(job)
    answer = api.get(f"{URL}{job.pk}/results/", headers={"Accept": "application/x-ndjson"})

    Subtask.objects.filter(job=job, index__in=deleted).delete()

    with pytest.raises(Gone, match="deleted while they were read"):
        list(answer.streaming_content)
