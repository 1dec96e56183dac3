"""The backend's rules; tests/end_to_end/test_django_tasks.py runs it for real."""

import pytest
from django.core.exceptions import ImproperlyConfigured
from django_tasks import task, task_backends
from django_tasks.exceptions import InvalidTaskError, TaskResultDoesNotExist

from jobs import services
from jobs.django_results import task_error
from jobs.django_tasks import HiveBackend
from jobs.models import Job
from tests.jobs.nexus import answering

pytestmark = pytest.mark.django_db


@task()
def unknown():
    """In a module that no Spore imports."""


@pytest.fixture
def backend():
    return task_backends["default"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"uri": "http://x"}, "uri: no option; there are key, queues, retries, timeout, url"),
        ({"url": "http://x"}, "url, key: give both"),
        ({"key": "x"}, "url, key: give both"),
    ],
)
def test_a_wrong_option_stops_the_start_with_its_name(options, said):
    with pytest.raises(ImproperlyConfigured, match=rf"TASKS\['spare'\]\['OPTIONS'\]: {said}"):
        HiveBackend("spare", {"BACKEND": "", "OPTIONS": options})


def test_a_task_that_no_spore_would_find_is_refused(redis):
    with pytest.raises(InvalidTaskError, match=r"no Spore would find .*unknown; give its module"):
        unknown.enqueue()

    assert not Job.objects.exists()


@pytest.mark.parametrize("name", ["job_0", "", "../nodes", "job_" + "x" * 99, None])
def test_a_result_that_is_none_does_not_exist(backend, name):
    with pytest.raises(TaskResultDoesNotExist):
        backend.get_result(name)


def test_a_job_that_is_no_task_of_djangos_does_not_exist(redis, backend):
    job = services.submit_job(task="demo.echo", items=[1])

    with pytest.raises(TaskResultDoesNotExist):
        backend.get_result(job.pk)


@pytest.mark.parametrize(("priority", "there"), [(-100, 0), (-1, 5), (0, 5), (41, 7), (100, 10)])
def test_priorities_keep_their_order(backend, priority, there):
    assert backend._wish(unknown.using(priority=priority))["priority"] == there


def test_names_of_queues_are_mapped_as_the_options_say():
    options = {"queues": {"mail": "high_priority"}}
    backend = HiveBackend("spare", {"BACKEND": "", "QUEUES": [], "OPTIONS": options})

    queues = [backend._wish(unknown.using(queue_name=name))["queue"] for name in ("mail", "x")]

    assert queues == ["high_priority", "background"]


def test_what_a_nexus_elsewhere_refuses_is_an_invalid_task():
    with answering() as nexus:
        nexus.will({"detail": "no"}, 400)
        options = {"url": nexus.url, "key": "k"}
        backend = HiveBackend("spare", {"BACKEND": "", "QUEUES": [], "OPTIONS": options})

        with pytest.raises(InvalidTaskError, match="400: no"):
            backend.enqueue(unknown, [], {})


@pytest.mark.parametrize(
    ("kind", "traceback", "path"),
    [
        ("ValueError", "Traceback\nValueError: no", "builtins.ValueError"),
        ("Refused", "Traceback\nshop.errors.Refused: no: 1\nmore", "shop.errors.Refused"),
        ("A.B", "Traceback\nshop.A.B", "shop.A.B"),
        ("E", "ValueError: E: x\n\nThe above …\n\nshop.E: y", "shop.E"),
        ("timeout", "Traceback\njobs.outcomes.TaskTimeout", "builtins.TimeoutError"),
        ("crashed", "", "builtins.RuntimeError"),
    ],
)
def test_the_class_of_an_error_is_named_with_its_module(kind, traceback, path):
    error = task_error({"type": kind, "message": "m", "traceback": traceback})

    assert error.exception_class_path == path
