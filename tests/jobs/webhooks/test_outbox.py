"""Every end of a job that asked for it is written into the outbox, once, with the job."""

import json
from datetime import timedelta

import pytest
from django.db import transaction

from jobs.models import Delivery, Job
from jobs.services import cancel_job, delete_job, retry_job, submit_job
from jobs.webhooks.outbox import MAX_RESULT_BYTES, note_end

URL = "https://example.org/hook"


def notices():
    return [(row.job, json.loads(row.body)) for row in Delivery.objects.order_by("pk")]


def only():
    [(_, body)] = notices()
    return body


def test_a_job_that_succeeded_is_told_with_its_result_and_whole_links(stage):
    job = stage.submit(webhook=URL)
    stage.send()
    assert notices() == []
    stage.run(result='{"n": 1}')

    [(of, body)] = notices()
    assert (of, body["type"]) == (job.pk, "job.succeeded")
    assert (body["data"]["id"], body["data"]["result"]) == (job.pk, {"n": 1})
    assert body["timestamp"] == body["data"]["finished_at"]
    assert body["data"]["links"]["self"] == f"http://127.0.0.1:8000/api/v1/jobs/{job.pk}/"
    row = Delivery.objects.get()
    assert (row.url, row.host, row.state) == (URL, "example.org", "pending")
    assert row.pk.startswith("msg_")


def test_who_does_not_ask_is_not_told(stage):
    stage.submit()
    stage.send()
    stage.run()

    assert notices() == []


def fail(stage):
    spore, bundle = stage.bundle()
    spore.happen(bundle, error={"type": "E", "message": "m", "traceback": ""})
    stage.read()


def test_a_failure_that_ends_its_job_is_told(stage):
    stage.submit(webhook=URL, retries=0)
    stage.send()
    fail(stage)

    assert only()["type"] == "job.failed"


def test_a_job_that_fails_fast_is_told_once(stage):
    stage.submit(3, webhook=URL, retries=0, on_error="fail_fast")
    spore, bundle = stage.bundle()
    spore.happen(bundle, error={"type": "E", "message": "m", "traceback": ""})
    stage.read()
    stage.run()

    assert only()["type"] == "job.failed"


def test_a_job_that_was_cancelled_is_told(stage):
    job = stage.submit(2, webhook=URL)
    cancel_job(job_id=job.pk)
    stage.hint(job, "cancel")

    assert only()["type"] == "job.cancelled"


def test_a_job_whose_deadline_passed_is_told(stage):
    stage.submit(delay=3600, deadline=stage.now + timedelta(seconds=600), webhook=URL)

    stage.tidy(after=601)

    assert only()["type"] == "job.failed"


def test_a_job_of_nothing_is_told_at_once(db, redis):
    submit_job(task="demo.echo", items=[], webhook=URL)

    assert only()["type"] == "job.succeeded"


def test_a_retried_job_is_told_again_under_another_id(stage):
    job = stage.submit(webhook=URL, retries=0)
    stage.send()
    fail(stage)
    retry_job(job_id=job.pk)
    stage.hint(job)
    stage.send()
    stage.run()

    assert [body["type"] for _, body in notices()] == ["job.failed", "job.succeeded"]


@pytest.mark.django_db
def test_one_end_is_told_once(redis):
    job = submit_job(task="demo.echo", items=[], webhook=URL)

    note_end(job.pk)

    assert len(notices()) == 1


@pytest.mark.django_db
def test_an_end_that_is_rolled_back_is_not_told(redis):
    with transaction.atomic():
        submit_job(task="demo.echo", items=[], webhook=URL)
        transaction.set_rollback(True)

    assert notices() == []


@pytest.mark.django_db
@pytest.mark.parametrize("result", ['"' + "ä" * (MAX_RESULT_BYTES // 2) + '"', "@abc:300000"])
def test_a_large_result_is_left_out(redis, result):
    job = submit_job(task="demo.echo", items=[1], webhook=URL)
    Job.objects.filter(pk=job.pk).update(state="succeeded", result=result)

    note_end(job.pk)

    assert only()["data"]["result"] is None


@pytest.mark.django_db
def test_what_is_deleted_is_not_told(redis):
    job = submit_job(task="demo.echo", items=[], webhook=URL)

    delete_job(job_id=job.pk)

    assert notices() == []
