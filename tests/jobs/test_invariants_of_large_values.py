"""What is too large for a row: looked for where it is stored, and never sorted by."""

from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from jobs.blobs import place, storage
from jobs.invariants import check_database, check_values
from jobs.models import Blob, Job, Subtask
from jobs.services import submit_job

pytestmark = pytest.mark.django_db

PAYLOADS = {"result", "item", "error", "kwargs"}
LONG = "x" * 70_000


@pytest.fixture
def job(redis):
    """A job, and where its only large item is stored."""
    return submit_job(task="demo.echo", items=[1, LONG, LONG])


def file_of(job: Job) -> Path:
    return Path(storage().path(place(Blob.objects.get().pk)))


def told() -> list[tuple[str, str, str]]:
    return [(v.rule, v.subject, v.detail.rpartition(", ")[2]) for v in check_values()]


def test_no_check_groups_by_what_may_be_a_megabyte(redis):
    submit_job(task="demo.echo", items=[1], reduce="demo.echo")

    with CaptureQueriesContext(connection) as asked:
        check_database()

    groups = [query["sql"].partition("GROUP BY")[2] for query in asked]
    assert any(groups)
    assert not [name for group in groups for name in PAYLOADS if f'"{name}"' in group]


def test_values_that_are_stored_are_in_order(job):
    assert check_values() == []


def test_every_row_is_named_whose_value_is_gone(job):
    file_of(job).unlink()

    assert told() == [
        ("I15", f"item of {job.pk}[1]", "which is not stored"),
        ("I15", f"item of {job.pk}[2]", "which is not stored"),
    ]


def test_a_torn_value_is_found_by_its_size(job):
    file_of(job).write_text("xx")

    assert told()[0] == ("I15", f"item of {job.pk}[1]", "of which 2 bytes are left")


def test_a_value_without_a_row_would_be_swept_away(job):
    Blob.objects.all().delete()

    assert told()[0] == ("I15", f"item of {job.pk}[1]", "of which no row tells")


def test_what_retention_deletes_meanwhile_was_not_missing(job, monkeypatch):
    def delete(reference):
        Subtask.objects.all().delete()
        return "gone"

    monkeypatch.setattr("jobs.invariants.values._what_is_wrong", delete)

    assert check_values() == []


def test_each_value_is_looked_for_once(job, monkeypatch):
    looked = []
    monkeypatch.setattr("jobs.invariants.values._what_is_wrong", looked.append)

    check_values()

    assert len(looked) == 1
