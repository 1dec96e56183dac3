"""What is too old goes, all of it, and nothing else."""

from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from hive_site.kernel.errors import Gone
from jobs import blobs, selectors
from jobs.invariants import check_database
from jobs.models import Attempt, Blob, CachedResult, IdempotencyKey, Job, Subtask
from jobs.pruner import EVERY, Pruner
from jobs.retention import (
    REFERRING,
    STAGES,
    count_due,
    expire_results,
    find_used,
    stray_files,
    sweep_blobs,
    terms_of,
)
from jobs.services import retry_job, submit_job
from tests.jobs.stage import fresh

LONG = "x" * 70_000
DAY = timedelta(days=1)


def later(days: float):
    return terms_of(timezone.now() + timedelta(days=days))


def prune(terms) -> None:
    for stage in STAGES.values():
        while stage(terms, 10):
            pass


def ended(stage, **wish) -> Job:
    """A job that has ended, with its results."""
    job = submit_job(task="demo.echo", **wish)
    stage.hint(job)
    stage.run()
    return fresh(job)


def test_results_go_after_their_time_and_the_row_of_the_job_stays(stage):
    job = ended(stage, items=list(range(25)), kwargs={"a": 1})
    assert count_due(later(0.9))["results"] == 0

    prune(later(1.1))

    job = fresh(job)
    assert (job.state, job.kept, job.kwargs, job.result) == ("succeeded", "row", "{}", None)
    assert (job.total, job.succeeded) == (25, 25)
    assert not Subtask.objects.exists()
    with pytest.raises(Gone, match="HIVE_RESULT_TTL"):
        selectors.require_results(job.pk)
    with pytest.raises(Gone):
        list(selectors.result_views(job.pk))


def test_a_job_goes_whole_a_month_after_its_end(stage):
    job = ended(stage, items=[1])
    prune(later(1.1))
    assert Job.objects.filter(pk=job.pk).exists()

    prune(later(31))

    assert not Job.objects.exists()


def test_what_has_not_ended_stays_however_old(stage):
    job = submit_job(task="demo.echo", items=[LONG])

    prune(later(400))

    assert (fresh(job).kept, Subtask.objects.count(), Blob.objects.count()) == ("all", 1, 1)


def test_half_a_job_can_be_neither_read_nor_retried_and_breaks_no_rule(stage):
    job = submit_job(task="demo.echo", items=list(range(30)), retries=0)
    stage.hint(job)
    spore, bundle = stage.bundle()
    spore.happen(bundle)
    spore.end(bundle)
    stage.read()
    stage.run()
    assert fresh(job).state == "partial"

    expire_results(later(1.1), 10)

    assert (fresh(job).kept, Subtask.objects.count()) == ("going", 20)
    assert check_database() == []
    with pytest.raises(Gone):
        retry_job(job_id=job.pk)
    prune(later(1.1))
    assert (Subtask.objects.count(), Attempt.objects.count()) == (0, 0)


def test_the_parts_of_a_workflow_stay_until_all_of_it_has_ended(stage):
    done = ended(stage, items=[1])
    open_ = submit_job(task="demo.echo", items=[1])
    Job.objects.update(workflow="wf_1")

    prune(later(1.1))
    assert fresh(done).kept == "all"
    Subtask.objects.filter(job=open_).update(state="cancelled", seq=1)
    Job.objects.filter(pk=open_.pk).update(state="cancelled", cancelled=1)

    prune(later(1.1))
    assert fresh(done).kept == "row"


def test_a_parent_stays_whole_for_as_long_as_a_child_waits_for_what_it_gave(stage):
    done, other = ended(stage, items=[1]), submit_job(task="demo.echo", items=[1])
    child = submit_job(
        task="demo.echo", items=[{"$result": done.pk}], depends_on=[done.pk, other.pk]
    )

    prune(later(1.1))
    assert (fresh(done).kept, fresh(child).state) == ("all", "blocked")
    Subtask.objects.filter(job=child).update(state="cancelled", seq=1)
    Job.objects.filter(pk=child.pk).update(state="cancelled", cancelled=1)

    prune(later(1.1))
    assert fresh(done).kept == "row"


@pytest.mark.parametrize(("model", "column"), REFERRING)
def test_what_any_row_refers_to_stays(model, column, db):
    [text] = blobs.keep([f'"{LONG}"'])
    now = timezone.now()
    job = submit_job(task="demo.echo", items=[1])
    CachedResult.objects.create(
        key="k", result="1", release="", created_at=now, expires_at=now + 400 * DAY
    )

    model.objects.update(**{column: text})
    assert find_used([text]) == {text}
    sweep_blobs(later(1), 10)
    assert Blob.objects.count() == 1
    model.objects.update(**{column: "1"})
    sweep_blobs(later(2), 10)

    assert job
    assert (Blob.objects.count(), blobs.storage().exists(blobs.place(text[1:65]))) == (0, False)


def test_asking_who_refers_to_a_value_reads_an_index_of_large_ones_only(db):
    with CaptureQueriesContext(connection) as seen, connection.cursor() as cursor:
        find_used(["@a"])
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")  # the tables are empty
        for query in seen.captured_queries[: len(REFERRING)]:
            word = "QUERY PLAN " if connection.vendor == "sqlite" else ""
            cursor.execute(f"EXPLAIN {word}{query['sql']}")
            assert "_large" in str(cursor.fetchall())


def test_what_was_stored_within_the_hour_stays_though_nothing_refers_to_it(db):
    [text] = blobs.keep([f'"{LONG} young"'])

    sweep_blobs(terms_of(timezone.now() + timedelta(minutes=59)), 10)
    assert Blob.objects.count() == 1
    Blob.objects.update(last_used_at=timezone.now() - timedelta(hours=2))
    blobs.keep([f'"{LONG} young"'])  # somebody is about to refer to it
    sweep_blobs(terms_of(timezone.now()), 10)

    assert blobs.whole(text) == f'"{LONG} young"'


def test_keys_and_cached_results_are_forgotten_in_time(db):
    now = timezone.now()
    for hours in (23, 25):
        IdempotencyKey.objects.create(
            key=str(hours), caller="me", fingerprint="", created_at=now - timedelta(hours=hours)
        )
        expires = now + timedelta(hours=hours - 24)
        CachedResult.objects.create(
            key=str(hours), result="1", release="", created_at=now, expires_at=expires
        )

    prune(terms_of(now))

    assert list(IdempotencyKey.objects.values_list("key", flat=True)) == ["23"]
    assert list(CachedResult.objects.values_list("key", flat=True)) == ["25"]


def test_files_that_no_row_tells_of_are_found_once_they_are_old(db):
    [text] = blobs.keep([f'"{LONG} known"'])
    known, name = blobs.place(text[1:65]), "fe/.new-1-2"
    blobs.storage().save(name, ContentFile(b"half"))

    assert name not in list(stray_files(terms_of(timezone.now())))
    found = list(stray_files(later(1)))

    assert name in found
    assert known not in found
    blobs.storage().delete(name)


def test_the_foreman_prunes_a_little_at_a_time_while_it_leads(stage):
    job = ended(stage, items=[1])
    stage.now += DAY + timedelta(hours=1)
    assert stage.leadership.hold(stage.now)
    pruner = Pruner(stage.leadership, stage.now)

    pruner.step(stage.now)
    assert fresh(job).kept == "all"
    stage.now += EVERY
    pruner.step(stage.now)

    assert fresh(job).kept == "row"
