"""The Hive from Python."""

import asyncio

import pytest
from django.db import transaction

from hive_site.kernel.errors import Conflict, Invalid, NotFound
from jobs import hive
from jobs.models import Job, Subtask

pytestmark = pytest.mark.usefixtures("db", "redis")


@pytest.fixture
def cluster(monkeypatch):
    """Whoever waits finds everything done: items doubled, the item "bad" failed."""

    def finish(jobs, *, timeout):
        for row in Subtask.objects.filter(job__in=jobs, role="map"):
            end = {"state": "failed", "error": '{"type":"x"}'}
            if row.item != '"bad"':
                end = {"state": "succeeded", "result": f"[{row.item}, {row.item}]", "attempt": 1}
            Subtask.objects.filter(pk=row.pk).update(**end)
        Job.objects.filter(pk__in=jobs).update(state="partial", result='"reduced"')
        return True

    monkeypatch.setattr(hive, "wait_for_jobs", finish)


@pytest.fixture
def nobody(monkeypatch):
    """There is no cluster: every wait is over before anything has ended. Notes the timeouts."""
    timeouts = []
    monkeypatch.setattr(hive, "wait_for_jobs", lambda jobs, *, timeout: timeouts.append(timeout))
    return timeouts


def test_a_map_gives_results_in_the_order_of_its_items(cluster):
    made = hive.map_reduce("demo.echo", [3, "bad", 1], priority=8, labels={"a": "b"})

    assert [row["result"] for row in made.results] == [[3, 3], None, [1, 1]]
    assert [row["index"] for row in made.results] == [0, 1, 2]
    assert made.summary == {
        **{"total": 3, "completed": 2, "failed": 1, "pending": 0},
        "success_rate": pytest.approx(2 / 3),
    }
    assert made.reduced is None
    job = Job.objects.get()
    assert (job.queue, job.priority, job.labels) == ("background", 8, {"a": "b"})


def test_a_map_with_a_reduction_gives_what_it_was_reduced_to(cluster):
    made = hive.map_reduce("demo.echo", [1], reduce="demo.echo")

    assert (made.reduced, len(made.results)) == ("reduced", 1)


def test_a_map_of_nothing_has_succeeded(nobody):
    made = hive.map_reduce("demo.echo", [])

    assert (made.results, made.summary["success_rate"]) == ([], 1.0)


def test_at_the_timeout_there_is_what_is_there_and_the_rest_is_pending(nobody):
    made = hive.map_reduce("demo.echo", [1, 2], wait_timeout=0.5)

    assert made.summary == {
        **{"total": 2, "completed": 0, "failed": 0, "pending": 2},
        "success_rate": 0.0,
    }
    assert [row["state"] for row in made.results] == ["waiting", "waiting"]
    assert nobody == [0.5]


def test_the_usual_timeouts_are_those_of_the_contract(nobody):
    hive.map_reduce("demo.echo", [1])
    hive.parallel_execute([("demo.echo", 1)])

    assert nobody == [300, 600]


def test_every_way_to_end_is_completed_or_failed(monkeypatch):
    ends = ["succeeded", "failed", "quarantined", "cancelled", "running"]

    def finish(jobs, *, timeout):
        for index, state in enumerate(ends):
            Subtask.objects.filter(index=index).update(state=state)

    monkeypatch.setattr(hive, "wait_for_jobs", finish)

    summary = hive.map_reduce("demo.echo", [0] * 5).summary

    assert (summary["completed"], summary["failed"], summary["pending"]) == (1, 3, 1)


def test_calls_of_different_tasks_come_back_in_the_order_of_the_calls(cluster):
    calls = [("demo.echo", "a"), ("demo.payload", 2), ("demo.echo", "bad"), ("demo.echo", "d")]

    made = hive.parallel_execute(calls)

    assert [row["result"] for row in made.results] == [["a", "a"], [2, 2], None, ["d", "d"]]
    assert [row["index"] for row in made.results] == [0, 1, 2, 3]
    assert sorted(Job.objects.values_list("task", "queue", "total")) == [
        ("demo.echo", "high_priority", 3),
        ("demo.payload", "high_priority", 1),
    ]


def test_of_calls_all_are_taken_or_none(nobody):
    with pytest.raises(Invalid):
        hive.parallel_execute([("demo.echo", 1), ("no.such", 2)])

    assert not Job.objects.exists()


def test_no_calls_have_no_results(nobody):
    assert hive.parallel_execute([]).results == []


def test_a_job_is_submitted_looked_at_and_cancelled():
    job = hive.submit("demo.echo", [1, 2], queue="high_priority")

    assert hive.get_task_status(job.pk)["progress"]["total"] == 2
    assert hive.cancel(job.pk).state == "cancelling"
    assert hive.get_task_status(job.pk)["state"] == "cancelling"


def test_without_items_a_job_has_one():
    assert hive.submit("demo.echo").total == 1


def test_facts_come_out_as_they_are():
    with pytest.raises(NotFound):
        hive.get_task_status("job_none")
    with pytest.raises(Invalid):
        hive.submit("demo.echo", [1], priority=99)
    ended = hive.submit("demo.echo", [])
    with pytest.raises(Conflict):
        hive.cancel(ended.pk)


@pytest.mark.parametrize("verb", ["map_reduce", "parallel_execute"])
def test_who_would_wait_in_a_transaction_is_told_so_and_nothing_is_submitted(nobody, verb):
    arguments = {"map_reduce": ("demo.echo", [1]), "parallel_execute": ([("demo.echo", 1)],)}

    with transaction.atomic():
        with pytest.raises(Conflict, match=r"wait outside of transaction\.atomic\(\)"):
            getattr(hive, verb)(*arguments[verb])
        assert not Job.objects.exists()
        getattr(hive, verb)(*arguments[verb], wait_timeout=0)

    assert (nobody, Job.objects.count()) == ([0], 1)


@pytest.mark.django_db(transaction=True)
def test_every_function_has_a_twin_for_async_code(cluster):
    async def go():
        mapped = await hive.amap_reduce("demo.echo", [1])
        called = await hive.aparallel_execute([("demo.echo", 2)])
        job = await hive.asubmit("demo.echo", [3])
        await hive.acancel(job.pk)
        return mapped, called, await hive.aget_task_status(job.pk)

    mapped, called, status = asyncio.run(go())

    assert [row["result"] for row in mapped.results + called.results] == [[1, 1], [2, 2]]
    assert status["state"] == "cancelling"
