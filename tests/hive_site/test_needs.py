"""What somebody should act on: each with its cause and what to do, and nothing else."""

from datetime import UTC, datetime, timedelta

import pytest

from hive_site import needs as module
from hive_site.kernel.redis import RedisError
from hive_site.needs import needs
from jobs.models import Job, Queue
from jobs.services import submit_job
from nodes.domain.liveness import REVOKED
from nodes.models import Node
from nodes.picture import Picture
from ota.models import Home, Rollout
from tests.hive_site.live.cast import AT, draw
from tests.ota.cast import make_release

pytestmark = pytest.mark.django_db
NOW = datetime.fromtimestamp(AT, UTC)


def kinds(picture=None):
    return [need.kind for need in needs(NOW, picture or Picture(draw()))]


def only(picture=None):
    [need] = needs(NOW, picture or Picture(draw()))
    return need


def test_where_all_is_well_there_is_nothing_to_do(redis):
    Node.objects.create(name="a")
    Queue.objects.create(name="default")

    assert kinds() == []


def test_who_does_not_watch_is_told_the_same(redis, monkeypatch):
    assert [need.kind for need in needs(NOW)] == ["foreman"]

    monkeypatch.setattr(redis, "get", lambda key: (_ for _ in ()).throw(RedisError("away")))

    assert [need.kind for need in needs(NOW)] == ["redis"]


def test_without_a_foreman_nothing_is_started():
    assert "nobody led" in only(Picture()).cause
    assert "60 s old" in only(Picture(draw(at=AT - 60))).cause


def test_while_redis_is_away_nobody_blames_the_foreman():
    assert only(Picture(draw(), away="Connection refused")).kind == "redis"


def test_a_lost_node_is_to_be_started_or_forgotten():
    Node.objects.create(name="a", state="lost", reason="its sockets closed", last_seen=NOW)

    need = only()

    assert (need.key, need.kind, need.url) == ("node/a", "lost_node", "/nodes/a/")
    assert need.cause == "its sockets closed; start it again, or forget it"
    assert need.verb.url == "/nodes/a/forget/"


def test_nodes_that_were_stopped_revoked_or_lost_long_ago_need_nobody():
    Node.objects.create(name="a", state="lost", reason="shut down", last_seen=NOW)
    Node.objects.create(name="b", state="lost", last_seen=NOW - timedelta(days=2))
    Node.objects.create(name="c", state="lost", reason=REVOKED, last_seen=NOW)

    assert kinds() == []


def test_nodes_that_are_ill_are_shown():
    Node.objects.create(name="a", state="quarantined", reason="lost 3 times")
    Node.objects.create(name="b", state="suspect", reason="silent")

    assert kinds() == ["quarantined_node", "suspect_node"]


def test_a_job_that_failed_within_the_hour_can_be_retried():
    for minutes in (5, 90):
        job = submit_job(task="demo.echo", items=[1, 2])
        ended = NOW - timedelta(minutes=minutes)
        Job.objects.filter(pk=job.pk).update(state="partial", failed=1, finished_at=ended)

    assert only().title == "demo.echo: 1 of 2 failed"


def test_a_paused_queue_matters_while_work_waits_in_it():
    Queue.objects.create(name="default", paused=True)
    Queue.objects.create(name="idle", paused=True)
    drawn = {"default": {"depth": 4}, "idle": {"depth": 0}}

    assert only(Picture(draw(queues=drawn))).cause == "4 subtasks wait in it"


@pytest.mark.parametrize(("reason", "verb"), [("gate: wave 1 is done", "promote"), ("x", "resume")])
def test_a_rollout_that_waits_can_go_on(reason, verb):
    rollout = Rollout.objects.create(release=make_release(), state="paused", reason=reason)

    need = only()

    assert (need.cause, need.verb.url) == (reason, f"/rollouts/{rollout.pk}/{verb}/")


def test_homes_where_an_update_failed_are_shown():
    failed = {"attempt": {"state": "failed", "reason": "it does not start"}}
    Home.objects.create(node="a", report=failed)
    Home.objects.create(node="b", phase="safe")
    Home.objects.create(node="c", report={"attempt": {"state": "healthy", "reason": ""}})

    assert [need.title for need in needs(NOW, Picture(draw()))] == [
        "a: an update failed",
        "b: neither release runs",
    ]


def test_signed_metadata_that_need_somebody_are_shown(monkeypatch):
    asked = []

    def alarms(now):
        asked.append(now)
        return [{"role": "root", "alarm": "expires at 2027-02-01"}]

    module._trust_alarms.cache_clear()
    monkeypatch.setattr(module, "trust_alarms", alarms)
    try:
        assert kinds() == kinds() == ["trust"]
        assert len(asked) == 1
    finally:
        module._trust_alarms.cache_clear()


def test_of_each_kind_there_are_only_so_many(monkeypatch):
    monkeypatch.setattr(module, "MOST_OF_A_KIND", 2)
    for n in range(5):
        Node.objects.create(name=f"n{n}", state="suspect")

    assert len(kinds()) == 2
