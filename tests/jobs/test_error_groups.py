"""What went wrong in a job."""

import json

import pytest

from jobs.error_groups import read_errors
from jobs.models import Attempt
from tests.hive_site.pages.scenes import ended_job, fail

pytestmark = pytest.mark.django_db


def test_tries_that_were_repeated_count_though_the_subtask_succeeded():
    job = ended_job(2)
    fail(job.subtasks.first())

    (one,) = read_errors(job).groups

    assert (one.type, one.count, list(one.indexes)) == ("ValueError", 1, [0])


def test_a_try_that_left_no_error_is_told_by_its_outcome():
    job = ended_job(1)
    fail(job.subtasks.get())
    Attempt.objects.update(error=None, outcome="lost")

    (one,) = read_errors(job).groups

    assert (one.type, one.line) == ("lost", "the try was lost with its node")


def test_what_was_cancelled_or_succeeded_is_no_error():
    job = ended_job(2)
    for row, outcome in zip(job.subtasks.all(), ("succeeded", "cancelled"), strict=True):
        fail(row)
        Attempt.objects.filter(subtask=row).update(outcome=outcome)

    assert read_errors(job).groups == []


def test_only_the_newest_failures_are_read():
    job = ended_job(6, failed=6)
    newest = Attempt.objects.order_by("-pk").first()
    Attempt.objects.filter(pk=newest.pk).update(
        error=json.dumps({"type": "OSError", "message": "new", "traceback": ""})
    )

    errors = read_errors(job, most=4)

    assert (errors.read, errors.cut) == (4, True)
    assert {one.type: one.count for one in errors.groups} == {"ValueError": 3, "OSError": 1}
