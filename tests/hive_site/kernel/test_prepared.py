"""Prepared queries find what Django's own find, with any value."""

import gc
import weakref
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import IntegrityError, connection, connections

from hive_site.kernel.prepared import Prepared, PreparedInsert
from jobs.models import Job, Subtask
from jobs.services import submit_job

pytestmark = pytest.mark.django_db

OF_STATE = Prepared(lambda job, state: Job.objects.filter(pk=job, state=state), str, str)
BEHIND = Prepared(
    lambda job, index: (
        Subtask.objects.filter(job=job, index__gt=index)
        .order_by("index")
        .values_list("index", "item", "job__retries")[:3]
    ),
    *(str, int),
)
NAMES = Prepared(lambda task: Job.objects.filter(task=task).values_list("pk", flat=True), str)


@pytest.fixture
def job(redis):
    labels, requires = {"team": "bees"}, {"labels": {"site": "lab"}}
    return submit_job(task="demo.echo", items=list("abcdef"), labels=labels, requires=requires)


def test_an_object_is_as_the_query_would_have_made_it(job):
    found = OF_STATE.first(job.pk, "queued")

    asked = Job.objects.get(pk=job.pk)
    assert found == asked
    fields = [field.attname for field in Job._meta.concrete_fields]
    assert [getattr(found, name) for name in fields] == [getattr(asked, name) for name in fields]
    assert not found._state.adding
    assert OF_STATE.first(job.pk, "failed") is None


def test_each_question_has_values_of_its_own(job):
    assert BEHIND.all(job.pk, -1) == [(0, '"a"', 3), (1, '"b"', 3), (2, '"c"', 3)]
    assert BEHIND.all(job.pk, 3) == [(4, '"e"', 3), (5, '"f"', 3)]
    assert BEHIND.all("nobody", -1) == []


def test_one_column_comes_bare(job):
    assert NAMES.all("demo.echo") == [job.pk]


def test_it_is_built_once(job, django_assert_num_queries):
    built = []

    def build(pk):
        built.append(pk)
        return Job.objects.filter(pk=pk)

    query = Prepared(build, str)
    with django_assert_num_queries(3):
        assert [query.first(job.pk) for _ in range(3)] == [job] * 3
    assert len(built) == 1


@pytest.mark.django_db(transaction=True)
def test_other_threads_with_connections_of_their_own_need_not_build_it_again(job):
    query = Prepared(lambda pk: Job.objects.filter(pk=pk), str)
    assert query.first(job.pk) == job
    query._prepare = lambda connection: pytest.fail("it was built again")

    def ask():
        try:
            return query.first(job.pk)
        finally:
            connection.close()

    with ThreadPoolExecutor() as threads:
        assert threads.submit(ask).result() == job


@pytest.mark.django_db(transaction=True)
def test_it_keeps_no_connection_of_a_thread_that_ended(job):
    query = Prepared(lambda task: Job.objects.filter(task=task), str)

    def ask():
        mine = connections["default"]
        try:
            return weakref.ref(mine), query.all("demo.echo")
        finally:
            mine.close()

    with ThreadPoolExecutor() as threads:
        asked, found = threads.submit(ask).result()
    gc.collect()

    assert found == [job]
    assert asked() is None


def test_a_value_without_a_place_is_refused(db):
    with pytest.raises(ValueError, match="not every value has a place"):
        Prepared(lambda _: Job.objects.all(), str).all("x")


def test_objects_are_stored_as_django_would_have_stored_them(job):
    fields = [field.attname for field in Job._meta.concrete_fields if field.name != "id"]
    values = {name: getattr(job, name) for name in fields}
    mine, theirs = Job(pk="job_mine", **values), Job(pk="job_theirs", **values)

    PreparedInsert(Job).store([mine])
    Job.objects.bulk_create([theirs])

    assert not mine._state.adding
    stored = {pk: Job.objects.values_list(*fields).get(pk=pk) for pk in ("job_mine", "job_theirs")}
    assert stored["job_mine"] == stored["job_theirs"]


def test_two_objects_of_one_key_are_refused(job):
    with pytest.raises(IntegrityError):
        PreparedInsert(Job).store([job])
