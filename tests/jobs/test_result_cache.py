"""Cached results on a leader's stage: no bundle, no attempt, and nobody waits for ever."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from hive_site.kernel.errors import Invalid
from jobs.domain.cache import base_of, key_of
from jobs.models import CachedResult, Subtask
from jobs.registry import registry, task
from jobs.services import cancel_job, pause_job, resume_job, retry_job, submit_job
from tests.jobs.stage import fresh, outage, states

HOUR = {"cache_for": 3600}


def known(job):
    return list(
        Subtask.objects.filter(job=job, placed="from the cache").values_list("index", flat=True)
    )


def bundles(stage):
    return len(stage.in_flight)


def test_what_is_known_ends_without_being_sent(stage):
    stage.submit(5, **HOUR)
    stage.run(result='"r"')

    job = stage.submit(5, **HOUR)
    assert stage.send() == 0

    assert (fresh(job).state, known(job)) == ("succeeded", [0, 1, 2, 3, 4])
    rows = Subtask.objects.filter(job=job).values_list("result", "attempts", "attempt", "node")
    assert set(rows) == {('"r"', 0, 0, "")}


def test_what_an_earlier_foreman_sent_is_known_to_later_jobs_too(stage):
    stage.submit(1, **HOUR)
    spore, bundle = stage.bundle()
    stage.take_over()
    spore.succeed(bundle, result='"r"')
    stage.read()

    job = stage.submit(1, **HOUR)

    assert stage.send() == 0
    assert (fresh(job).state, known(job)) == ("succeeded", [0])


def test_the_order_of_keys_in_json_makes_no_difference():
    base = base_of(task="a.b", version="", kwargs='{"x":1,"y":2}')

    assert base == base_of(task="a.b", version="", kwargs='{"y":2, "x":1}')
    assert key_of(base, '{"a":1,"b":[1.0]}') == key_of(base, '{"b":[1.0],"a":1}')
    assert key_of(base, "[1,2]") != key_of(base, "[2,1]")


@pytest.mark.parametrize("changes", [{"version": "2"}, {"task": "a.c"}, {"kwargs": '{"x":1}'}])
def test_another_version_task_or_keyword_is_another_result(changes):
    fields = {"task": "a.b", "version": "1", "kwargs": "{}"}

    assert key_of(base_of(**fields), "1") != key_of(base_of(**fields | changes), "1")


def test_a_job_that_does_not_ask_for_it_neither_stores_nor_asks(stage):
    with CaptureQueriesContext(connection) as seen:
        stage.submit(5)
        stage.run()

    assert not CachedResult.objects.exists()
    assert not [q for q in seen.captured_queries if "cachedresult" in q["sql"]]


def test_a_page_is_looked_up_with_one_question(stage):
    stage.submit(300, **HOUR)

    with CaptureQueriesContext(connection) as seen:
        stage.submit(300, **HOUR)

    asked = [q for q in seen.captured_queries if 'FROM "jobs_cachedresult"' in q["sql"]]
    assert len(asked) == 1
    stage.run()


def test_equal_subtasks_wait_for_the_one_that_is_in_flight(stage):
    first = submit_job(task="demo.echo", items=["a", "a"], **HOUR)
    second = submit_job(task="demo.echo", items=["a"], **HOUR)
    for job in (first, second):
        stage.hint(job)

    spore, bundle = stage.bundle()
    assert (stage.send(), bundles(stage), len(bundle.items)) == (0, 1, 1)
    spore.succeed(bundle, result='"A"')
    stage.read()
    stage.send()

    assert [fresh(job).state for job in (first, second)] == ["succeeded"] * 2
    assert set(Subtask.objects.values_list("result", flat=True)) == {'"A"'}
    assert (known(first), known(second)) == ([1], [0])


def test_what_was_ready_before_a_result_came_finds_it_too(stage):
    first, second = (submit_job(task="demo.echo", items=["a"], **HOUR) for _ in range(2))
    stage.hint(second)  # its page was read when nothing was known
    stage.memory.backlog.get(second.pk).held = True
    stage.hint(first)
    stage.run()

    stage.memory.backlog.get(second.pk).held = False
    assert stage.send() == 0
    stage.send()

    assert (fresh(second).state, known(second)) == ("succeeded", [0])


def test_if_the_first_fails_the_next_one_runs(stage):
    job = submit_job(task="demo.echo", items=["a"] * 3, retries=0, **HOUR)
    stage.hint(job)
    spore, bundle = stage.bundle()
    spore.happen(bundle)
    spore.end(bundle)
    stage.read()

    stage.run(result='"A"')

    assert states(job) == ["failed", "succeeded", "succeeded"]
    assert len(known(job)) == 1


def test_nobody_waits_for_a_job_that_is_cancelled(stage):
    first, second = (submit_job(task="demo.echo", items=["a"], **HOUR) for _ in range(2))
    for job in (first, second):
        stage.hint(job)
    spore, bundle = stage.bundle()
    cancel_job(job_id=first.pk)
    stage.hint(first, "cancel")
    spore.happen(bundle, "cancelled")
    spore.end(bundle)
    stage.read()

    stage.run()

    assert (fresh(first).state, fresh(second).state) == ("cancelled", "succeeded")


def test_who_waits_and_is_cancelled_and_retried_waits_once(stage):
    first, second = (submit_job(task="demo.echo", items=["a"], **HOUR) for _ in range(2))
    for job in (first, second):
        stage.hint(job)
    spore, bundle = stage.bundle()
    assert stage.send() == 0
    cancel_job(job_id=second.pk)
    stage.hint(second, "cancel")
    assert fresh(second).state == "cancelled"
    retry_job(job_id=second.pk)
    stage.hint(second)
    assert stage.send() == 0

    spore.succeed(bundle)
    stage.read()
    stage.send()

    assert (fresh(second).state, known(second)) == ("succeeded", [0])


def test_a_lost_node_makes_others_run_what_they_waited_for(stage):
    job = submit_job(task="demo.echo", items=["a"] * 3, **HOUR)
    stage.hint(job)
    spore, _ = stage.bundle()
    stage.workload.reclaim(spore.name, "gone", stage.now)

    stage.run()

    assert fresh(job).state == "succeeded"


def test_a_paused_job_takes_nothing_until_it_goes_on(stage):
    stage.submit(1, **HOUR)
    stage.run()
    job = submit_job(task="demo.echo", items=[0], **HOUR)
    pause_job(job_id=job.pk)
    stage.hint(job)
    stage.send()
    assert fresh(job).state == "paused"

    resume_job(job_id=job.pk)
    stage.hint(job)
    stage.send()

    assert fresh(job).state == "succeeded"


def test_a_new_leader_knows_what_the_last_one_stored(stage):
    stage.submit(1, **HOUR)
    stage.run()
    stage.take_over()

    job = stage.submit(1, **HOUR)
    stage.send()

    assert known(job) == [0]


def test_results_grow_old_and_so_does_the_code_that_made_them(stage):
    stage.submit(1, **HOUR)
    stage.run()

    stage.now += timedelta(seconds=10)
    picky = stage.submit(1, cache_for=5)
    # First it looks as if it were known; the database knows when it was stored.
    assert (stage.send(), stage.send()) == (0, 1)
    stage.run()
    for seat in stage.roster:
        seat.beat = replace(seat.beat, release="2.0")
    stage.send()  # the leader looks around
    newer = stage.submit(1, **HOUR)
    assert (stage.send(), stage.send()) == (0, 1)
    stage.run()

    assert (known(picky), known(newer)) == ([], [])
    assert [fresh(job).state for job in (picky, newer)] == ["succeeded"] * 2


def test_an_outage_forgets_nothing_that_is_known(stage, redis):
    stage.submit(3, **HOUR)
    stage.run()
    job = stage.submit(3, **HOUR)

    with outage(redis):
        stage.send()
        redis.ping()
    stage.send()

    assert fresh(job).state == "succeeded"


def test_a_task_that_must_not_run_twice_has_no_cached_results(stage):
    @task("test.careful", at_most_once=True)
    def careful(ctx, item):
        """Never runs here."""

    try:
        with pytest.raises(Invalid, match="idempotent") as refusal:
            submit_job(task="test.careful", items=[1], cache_for=60)
        assert refusal.value.field == "cache_for"
    finally:
        del registry._tasks["test.careful"]
