import json
import time
from datetime import UTC, datetime, timedelta, timezone

import pytest

from hive_site.kernel.errors import NotFound
from jobs import selectors, shelves
from jobs.models import Attempt, Job, Subtask
from jobs.services import pause_queue, submit_job
from nodes import wire
from tests.jobs.cast import FIRST, NOW

pytestmark = pytest.mark.usefixtures("db", "redis")


@pytest.fixture
def job(db, redis):
    return submit_job(task="demo.echo", items=[5, 6, 7], labels={"site": "lab"})


def test_a_job_shows_its_progress_in_numbers_that_add_up(job):
    Job.objects.update(succeeded=1, running=5)

    progress = selectors.job_view(job.pk)["progress"]

    assert progress == {
        **{"total": 3, "succeeded": 1, "failed": 0, "cancelled": 0},
        # more slots than subtasks are left is a figure from a moment ago
        **{"running": 2, "waiting": 0},
    }


def test_the_result_of_a_job_goes_out_as_it_came_in(job):
    Job.objects.update(result='{"a": 2.50}', error='{"type":"x"}')
    job = selectors.get_job(job.pk)

    assert '"result": {"a": 2.50}' in selectors.job_text(job)
    assert json.loads(selectors.job_text(job))["error"] == {"type": "x"}


def test_what_is_not_there_is_not_found(job):
    with pytest.raises(NotFound, match="'job_none'"):
        selectors.job_view("job_none")
    with pytest.raises(NotFound, match="'express'"):
        shelves.queue_view("express")
    assert selectors.subtask_text(job, 3) is None


def test_results_come_in_item_order_without_the_reduction():
    job = submit_job(task="demo.echo", items=[5, 6], reduce="demo.echo")
    Subtask.objects.filter(index=1).update(state="succeeded", result="[1]", node="spore-1")

    first, second = selectors.result_views(job.pk)

    assert (first["index"], first["state"], first["result"], first["node"]) == (
        0,
        "waiting",
        None,
        None,
    )
    assert (second["index"], second["result"], second["node"]) == (1, [1], "spore-1")


def test_results_are_read_from_any_place(job):
    assert [row.index for row in selectors.map_rows(job.pk, after=0)] == [1, 2]


def test_reading_results_takes_one_query_however_many_there_are(redis, django_assert_num_queries):
    job = submit_job(task="demo.echo", items=[0] * 1200)

    with django_assert_num_queries(1):
        assert len(list(selectors.result_texts(selectors.map_rows(job.pk)))) == 1200


def test_a_subtask_shows_its_item_and_its_tries_in_order(job):
    subtask = Subtask.objects.get(index=1)
    for number, outcome in [(2, "crashed"), (1, "failed")]:
        Attempt.objects.create(
            id=FIRST + number, subtask=subtask, number=number, outcome=outcome, error='{"type":"x"}'
        )

    view = json.loads(selectors.subtask_text(job, 1))

    assert (view["item"], view["result"]) == (6, None)
    assert [(t["number"], t["outcome"], t["error"]) for t in view["tries"]] == [
        (1, "failed", {"type": "x"}),
        (2, "crashed", {"type": "x"}),
    ]


def test_queues_are_counted_in_the_database_while_no_foreman_draws_them(job):
    submit_job(task="demo.echo", items=[0] * 4, queue="high_priority")
    Job.objects.filter(pk=job.pk).update(succeeded=1, running=1)
    pause_queue(name="background")

    fast, slow = shelves.queue_views()

    assert (fast["name"], fast["depth"], fast["paused"]) == ("high_priority", 4, False)
    assert (slow["name"], slow["depth"], slow["paused"]) == ("background", 1, True)


@pytest.mark.parametrize(("age", "depth"), [(0, 77), (60, 3)])
def test_the_foremans_picture_counts_while_it_is_fresh(job, redis, age, depth):
    drawn = {"background": {"depth": 77, "oldest_wait": 1.5, "paused": False}}
    redis.set(wire.SNAPSHOT, json.dumps({"at": time.time() - age, "queues": drawn}))

    assert shelves.queue_view("background")["depth"] == depth


def test_a_pause_shows_at_once_whatever_the_picture_says(redis):
    drawn = {"background": {"depth": 0, "oldest_wait": None, "paused": False}}
    redis.set(wire.SNAPSHOT, json.dumps({"at": time.time(), "queues": drawn}))
    pause_queue(name="background")

    assert shelves.queue_view("background")["paused"]


def test_times_are_rfc_3339_in_utc():
    assert selectors.stamp(NOW) == "2030-01-31T12:00:00Z"
    assert selectors.stamp(datetime(2030, 1, 31, 12, 0, 0, 5, UTC)) == "2030-01-31T12:00:00.000005Z"
    assert selectors.stamp(None) is None
    east = timezone(timedelta(hours=2))
    assert datetime.fromisoformat(selectors.stamp(NOW.astimezone(east))) == NOW
