"""Retrying whatever a filter finds."""

import pytest

from hive_site.kernel.errors import Gone
from jobs.models import Job
from jobs.services import bulk, retry_jobs, submit_job
from tests.jobs.graphs import fail
from tests.jobs.stage import fresh

FAILED = {"state": "failed", "labels": {"run": "1"}}


def failed(stage):
    job = stage.submit(labels={"run": "1"})
    fail(stage)
    return job


def test_what_retention_deleted_is_not_found_and_the_rest_runs_again(stage):
    old, new = failed(stage), failed(stage)
    Job.objects.filter(pk=old.pk).update(kept="going")

    assert retry_jobs(filter=FAILED, dry_run=True).jobs == [new.pk]
    assert retry_jobs(filter=FAILED).done == 1

    assert [fresh(job).state for job in (old, new)] == ["failed", "queued"]


def test_what_is_deleted_meanwhile_does_not_keep_the_rest(stage, monkeypatch):
    first, second = failed(stage), failed(stage)
    real = bulk.retry_job

    def too_late(*, job_id):
        if job_id == first.pk:
            raise Gone("its items were deleted")
        return real(job_id=job_id)

    monkeypatch.setattr(bulk, "retry_job", too_late)

    assert retry_jobs(filter=FAILED).done == 1
    assert fresh(second).state == "queued"


@pytest.mark.parametrize(("at_once", "done"), [(1, 1), (2, 2), (3, 2)])
def test_only_what_runs_again_counts_not_what_its_parent_holds_back(
    stage, monkeypatch, at_once, done
):
    monkeypatch.setattr(bulk, "RETRIES_AT_ONCE", at_once)
    parent = stage.submit()
    for _ in range(3):
        submit_job(task="demo.echo", items=[1], depends_on=[parent.pk], labels={"run": "1"})
    fail(stage)
    alone = [failed(stage) for _ in range(2)]

    sweep = retry_jobs(filter=FAILED)

    assert (sweep.matched, sweep.done) == (5, done)
    assert [fresh(job).state for job in alone].count("queued") == done


def test_a_sweep_asks_about_so_many_jobs_and_no_more(stage, monkeypatch):
    monkeypatch.setattr(bulk, "TRIES_AT_ONCE", 1)
    for _ in range(2):
        failed(stage)

    assert retry_jobs(filter=FAILED).done == 1


def test_what_ran_again_with_its_parent_before_its_turn_came_counts(stage, monkeypatch):
    parent = stage.submit(labels={"run": "1"})
    submit_job(task="demo.echo", items=[1], depends_on=[parent.pk], labels={"run": "1"})
    fail(stage)
    real = bulk.retry_job

    def retry_and_run(*, job_id):
        job = real(job_id=job_id)
        stage.hint(job)
        stage.run()
        return job

    monkeypatch.setattr(bulk, "retry_job", retry_and_run)

    assert retry_jobs(filter=FAILED).done == 2
