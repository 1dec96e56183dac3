"""Pages of what was recorded for a job: nothing twice, nothing missed, wherever they are cut."""

import json
from random import Random

import pytest
from django.db import connection

from hive_site.kernel.errors import Gone
from jobs import events
from jobs.domain.following import Kind, Position
from jobs.domain.states import Kept
from jobs.events import read_page
from jobs.models import Job, LogChunk, Partial, Subtask
from jobs.services import delete_job, retry_job
from tests.jobs.stage import fresh


def read_all(job, after=None):
    """All records behind a position, page by page, and the last page."""
    records, after = [], after or Position()
    while True:
        page = read_page(job.pk, after)
        records += page.records
        after = page.end
        if page.whole:
            return records, page


def play(stage, random, *, items=30):
    """A job whose attempts say this and that, end so and so, and are recorded bit by bit."""
    job = stage.submit(items, retries=1)
    said = 0
    for _ in range(400):
        stage.tidy(after=60)
        stage.send()
        for spore in stage.spores:
            if not stage.redis.llen(f"rq:queue:{spore.name}"):
                continue
            bundle = spore.pop()
            for position in range(len(bundle.items)):
                for n in range(random.randint(0, 3)):
                    said += 1
                    kind, field = random.choice([("log", "text"), ("part", "value")])
                    spore.happen(bundle, kind, position, n=n + 1, **{field: str(said)})
                if random.random() < 0.3:
                    spore.happen(bundle, "fail", position)
                else:
                    spore.succeed(bundle, position, result=str(position))
                if random.random() < 0.5:
                    stage.read()
            spore.end(bundle)
        stage.read()
        if fresh(job).finished_at:
            return job
    raise AssertionError("it did not end")


@pytest.fixture(params=range(3))
def played(stage, request):
    return play(stage, Random(request.param))


@pytest.mark.parametrize(("rows", "chars"), [(1, 10**6), (3, 10**6), (1000, 1), (1000, 10**6)])
def test_all_of_it_is_told_once_in_the_order_of_its_recording(played, monkeypatch, rows, chars):
    monkeypatch.setattr(events, "PAGE_ROWS", rows)
    monkeypatch.setattr(events, "PAGE_CHARS", chars)

    records, last = read_all(played)

    places = [record.position for record in records]
    assert places == sorted(set(places))
    by_kind = {kind: [r.data for r in records if r.kind is kind] for kind in Kind}
    assert len(by_kind[Kind.RESULT]) == Subtask.objects.count()
    chunks = list(LogChunk.objects.order_by("id").values_list("text", flat=True))
    assert [json.loads(data)["text"] for data in by_kind[Kind.LOG]] == chunks
    values = list(Partial.objects.order_by("id").values_list("value", flat=True))
    assert [str(json.loads(data)["value"]) for data in by_kind[Kind.PARTIAL]] == values
    assert json.loads(last.final)["state"] == fresh(played).state
    assert (last.live, json.loads(last.state)["state"]) == (False, fresh(played).state)


def test_whoever_comes_back_at_any_place_is_told_exactly_the_rest(played, monkeypatch):
    monkeypatch.setattr(events, "PAGE_ROWS", 20)
    records, _ = read_all(played)

    for n, record in list(enumerate(records))[::5]:
        rest, _ = read_all(played, record.position)
        assert rest == records[n + 1 :]


def test_a_follower_who_reads_while_it_is_recorded_misses_nothing(stage):
    job = stage.submit(4)
    followed, after = [], Position()
    while not fresh(job).finished_at:
        spore, bundle = stage.bundle()
        for act in (
            lambda: spore.happen(bundle, "log", n=1, text="a"),
            lambda: spore.happen(bundle, "part", n=1, value="1"),
            lambda: spore.succeed(bundle),
        ):
            act()
            stage.read()
            page = read_page(job.pk, after)
            followed, after = followed + page.records, page.end
            assert (page.final is None) == page.live

    assert followed == read_all(job)[0]
    assert page.final


def test_what_is_recorded_while_a_page_is_read_waits_for_the_next(stage, monkeypatch):
    """Its log would be told, its result be passed over: the pieces are read one after the other."""
    job = stage.submit(2)
    spore, bundle = stage.bundle()
    spore.happen(bundle, "log", n=1, text="first")
    stage.read()
    real = events.READERS[Kind.LOG]

    def meanwhile(job_id, after, horizon):
        found = real(job_id, after, horizon)
        rows = [(bundle.first, 1.0, 2.0, "1")]
        said = {"k": "part", "a": bundle.first, "n": 1, "value": "1"}
        spore.report(bundle=bundle.id, ok=rows, events=[said])
        spore.end(bundle)
        stage.read()
        monkeypatch.setitem(events.READERS, Kind.LOG, real)
        return found

    monkeypatch.setitem(events.READERS, Kind.LOG, meanwhile)
    page = read_page(job.pk, Position())
    rest, _ = read_all(job, page.end)

    assert [record.kind for record in page.records] == [Kind.LOG]
    assert [record.kind for record in rest] == [Kind.PARTIAL, Kind.RESULT]


def test_what_is_being_deleted_is_told_to_nobody(stage):
    job = stage.submit()
    stage.run()
    Job.objects.filter(pk=job.pk).update(kept=Kept.GOING)

    with pytest.raises(Gone, match="HIVE_RESULT_TTL"):
        read_page(job.pk, Position())


def test_all_that_a_page_goes_by_is_of_one_moment(stage, django_assert_num_queries):
    """Asked for one after the other, what has logs might be too old for what has results."""
    job = stage.submit(2)
    spore, bundle = stage.bundle()
    spore.succeed(bundle)
    stage.read()

    with django_assert_num_queries(1):
        read_page(job.pk, Position(1 << 62, Kind.RESULT, 1))


def test_a_result_is_told_as_the_list_of_results_tells_it(stage):
    from jobs.selectors import map_rows, result_texts

    job = stage.submit()
    stage.run(result='{"a": 1}')

    [record], _ = read_all(job)

    assert [(0, record.data)] == list(result_texts(map_rows(job.pk)))


def test_what_is_tried_again_by_hand_is_told_again_when_it_ended(stage):
    job = stage.submit(2, retries=0)
    for succeeds in (True, False):
        spore, bundle = stage.bundle()
        spore.succeed(bundle) if succeeds else spore.happen(bundle)
        spore.end(bundle)
        stage.read()
    before, last = read_all(job)

    retry_job(job_id=job.pk)
    stage.hint(job)
    open_again = read_page(job.pk, last.end)
    stage.run()
    after, end = read_all(job, last.end)

    assert [json.loads(r.data)["state"] for r in before] == ["succeeded", "failed"]
    assert (open_again.records, open_again.live, open_again.final) == ([], True, None)
    assert [json.loads(r.data)["state"] for r in after] == ["succeeded"]
    assert json.loads(end.final)["state"] == "succeeded"


def test_the_reduction_speaks_too_but_its_result_is_the_jobs(stage):
    job = stage.submit(1, reduce="demo.echo")
    spore, bundle = stage.bundle()
    spore.succeed(bundle)
    stage.read()
    spore, bundle = stage.bundle()
    spore.happen(bundle, "log", n=1, text="reducing")
    spore.succeed(bundle, result="9")
    stage.read()

    records, last = read_all(job)

    assert [record.kind for record in records] == [Kind.RESULT, Kind.LOG]
    said = json.loads(records[1].data)
    assert (said["index"], said["reduce"], said["text"]) == (1, True, "reducing")
    assert json.loads(last.final)["result"] == 9


def test_of_a_job_that_is_no_more_nothing_is_told(stage):
    job = stage.submit()
    stage.run()
    delete_job(job_id=job.pk)

    page = read_page(job.pk, Position())

    assert (page.records, page.state, page.final) == ([], None, None)


def test_a_large_job_is_read_by_an_index(stage, django_assert_max_num_queries):
    job = stage.submit()
    stage.run()

    with django_assert_max_num_queries(7) as asked:
        read_page(job.pk, Position(1 << 40, 1, 1))
        read_page(job.pk, Position(1 << 32, 1, 1))

    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            for query in asked.captured_queries:
                cursor.execute(f"EXPLAIN QUERY PLAN {query['sql']}")
                plan = " ".join(str(row[3]) for row in cursor.fetchall())
                assert "SCAN" not in plan, query["sql"]
    assert Job.objects.count() == 1
