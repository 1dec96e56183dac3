"""What the database shows: jobs, rollouts, and what somebody should act on."""

from datetime import UTC, datetime, timedelta

import pytest

from hive_site.kernel.errors import NotFound
from hive_site.live.topics import jobs as module
from hive_site.live.topics.jobs import Jobs
from hive_site.live.topics.needs import Needs
from hive_site.live.topics.rollouts import OneRollout, Rollouts
from jobs.models import Job
from jobs.services import submit_job
from nodes.picture import Picture
from tests.hive_site.live.cast import AT, draw
from tests.ota.cast import Cluster, make_release

FRESH = Picture(draw())


@pytest.fixture
def cluster(db, redis):
    return Cluster(redis)


def test_jobs_are_the_newest_that_are_open_and_the_newest_that_ended(db, redis, monkeypatch):
    monkeypatch.setattr(module, "MOST_OPEN", 2)
    monkeypatch.setattr(module, "MOST_ENDED", 1)
    made = [submit_job(task="demo.echo", items=[1]).pk for _ in range(5)]
    for n, pk in enumerate(made[:2]):
        at = datetime.fromtimestamp(AT - n, UTC)
        Job.objects.filter(pk=pk).update(state="succeeded", succeeded=1, finished_at=at)

    rows = Jobs().read(FRESH, AT).rows

    assert list(rows) == [made[4], made[3], made[0]]
    assert (rows[made[0]]["finished_at"], rows[made[0]]["eta"]) == (AT, None)
    assert rows[made[4]].items() >= {"task": "demo.echo", "state": "queued", "total": 1}.items()


def test_a_job_that_goes_on_has_an_estimate(db, redis):
    job = submit_job(task="demo.echo", items=[1] * 10)
    topic = Jobs()
    topic.read(FRESH, AT)
    Job.objects.filter(pk=job.pk).update(state="running", succeeded=5)

    assert topic.read(FRESH, AT + 10).rows[job.pk]["eta"] == 10.0


def test_jobs_cost_two_queries_however_many_there_are(db, redis, django_assert_num_queries):
    for _ in range(5):
        submit_job(task="demo.echo", items=[1])

    with django_assert_num_queries(2):
        Jobs().read(FRESH, AT)


def test_rollouts_are_told_without_their_nodes(cluster):
    rollout = cluster.roll_out(make_release(), strategy="fast")

    row = Rollouts().read(FRESH, AT).rows[rollout.pk]

    assert (row["release"], row["strategy"], row["state"]) == ("1.0", "fast", "running")
    assert sum(row["counts"].values()) == 5


def test_a_rollout_is_told_with_its_nodes_and_events(cluster):
    rollout = cluster.roll_out(make_release())
    cluster.play(3)

    rows = OneRollout(rollout.pk).read(FRESH, AT).rows

    assert rows["rollout"]["release"] == "1.0"
    assert not {"nodes", "events"} & rows["rollout"].keys()
    assert {key for key in rows if key.startswith("node/")} == {f"node/spore-{n}" for n in range(5)}
    events = [row for key, row in rows.items() if key.startswith("event/")]
    assert len(events) == rollout.events.count()


def test_there_is_no_rollout_of_another_name(db):
    with pytest.raises(NotFound, match="no rollout 'x'"):
        OneRollout("x").read(FRESH, AT)


def test_needs_are_told_by_keys_that_stay(db, redis):
    now = datetime.fromtimestamp(AT, UTC)
    job = submit_job(task="demo.echo", items=[1])
    ended = now - timedelta(minutes=5)
    Job.objects.filter(pk=job.pk).update(state="failed", failed=1, finished_at=ended)

    rows = Needs().read(FRESH, AT).rows

    assert rows == {
        f"job/{job.pk}": {
            "kind": "job",
            "title": "demo.echo: 1 of 1 failed",
            "cause": "the job ended failed; its errors say why",
            "url": f"/jobs/{job.pk}/",
            "verb": {"label": "Retry failed", "url": f"/jobs/{job.pk}/retry/"},
        }
    }
