from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from hive_site.kernel.errors import Invalid
from nodes import wire
from ota.models import Deployment, Home, OtaEvent
from ota.services import syncing
from ota.services.syncing import sync
from tests.ota.cast import make_release


def test_the_first_report_makes_a_home(cluster):
    home = Home.objects.get(node="spore-0")

    assert (home.rev, home.phase, home.active) == (0, "idle", "")
    assert home.report["channels"] == ["dev", "stable"]


def test_without_a_wish_nothing_is_ordered(cluster):
    told = cluster.nodes["spore-0"].sync()

    assert (told["order"], told["release"], told["rev"]) == ("none", None, 0)


def test_a_wish_comes_with_all_that_a_node_needs(cluster):
    release = make_release()
    cluster.roll_out(release)
    cluster.conduct()

    told = cluster.nodes["spore-0"].sync()

    assert told["order"] == "stage"
    assert told["release"] == {
        "sha256": release.sha256,
        "path": "dev/hive-000001-1.0.zip",
        "version": "1.0",
        "channel": "dev",
        "seq": 1,
        "size": 1000,
    }
    assert told["terms"] == {"probation": 2.0, "handover": 3600.0, "deadline": 120.0}


def inbox(cluster) -> int:
    return cluster.redis.xlen(wire.INBOX)


def test_only_news_wake_the_foreman_and_only_they_are_events(
    cluster, django_capture_on_commit_callbacks
):
    release = make_release()
    cluster.roll_out(release)
    cluster.conduct()
    node = cluster.nodes["spore-0"]
    node.sync()

    before, events = inbox(cluster), OtaEvent.objects.count()
    with django_capture_on_commit_callbacks(execute=True):
        node.sync()
        node.sync()

    assert (inbox(cluster) - before, OtaEvent.objects.count() - events) == (1, 0)
    assert Deployment.objects.get(node="spore-0").state == "staged"


def test_a_report_like_the_last_is_noted_now_and_then_only(cluster):
    body = cluster.nodes["spore-0"].report()
    first = Home.objects.get(node="spore-0").reported_at

    for seconds in (1, 14, 16):
        sync(node="spore-0", body=body, now=first + timedelta(seconds=seconds))

    assert Home.objects.get(node="spore-0").reported_at == first + timedelta(seconds=16)


def test_a_report_costs_few_queries(cluster, django_assert_max_num_queries):
    body = cluster.nodes["spore-0"].report()
    now = Home.objects.get(node="spore-0").reported_at + timedelta(minutes=1)

    with django_assert_max_num_queries(3):
        sync(node="spore-0", body=body, now=now)
    with django_assert_max_num_queries(2):
        sync(node="spore-0", body=body, now=now)


def test_a_report_that_was_overtaken_is_read_again(cluster, monkeypatch):
    release = make_release()
    rollout = cluster.roll_out(release)
    cluster.conduct()
    node = cluster.nodes["spore-0"]
    node.sync()
    write, tries = syncing._write_news, []

    def overtaken_once(*args):
        tries.append(args)
        if len(tries) == 1:
            raise syncing._Overtaken
        write(*args)

    monkeypatch.setattr(syncing, "_write_news", overtaken_once)
    node.sync()

    assert len(tries) == 2
    assert rollout.deployments.get(node="spore-0").state == "staged"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"rev": -1}, "rev"),
        ({"rev": True}, "rev"),
        ({"phase": "asleep"}, "phase"),
        ({"active": None}, "active"),
        ({"active": {"version": "1"}}, "active.sha256"),
        ({"attempt": {"sha256": "", "state": "odd"}}, "attempt.state"),
        ({"attempt": {"sha256": "", "state": "staged", "fraction": 2}}, "attempt.fraction"),
        ({"quarantine": "all"}, "quarantine"),
        ({"floor": {"dev": "1"}}, "floor"),
        ({"schema": 2}, "schema"),
        ({"shoe_size": 44}, "shoe_size"),
    ],
)
def test_a_bad_report_names_the_field_and_changes_nothing(cluster, change, field):
    node = cluster.nodes["spore-0"]
    before = Home.objects.get(node="spore-0").report

    with pytest.raises(Invalid) as error:
        sync(node="spore-0", body={**node.report(), **change}, now=cluster.now)

    assert error.value.field.startswith(field)
    assert Home.objects.get(node="spore-0").report == before


def test_a_node_that_changes_its_mind_without_end_fills_no_journal(cluster):
    release = make_release()
    rollout = cluster.roll_out(release)
    cluster.conduct()
    node, words = cluster.nodes["spore-4"], {"step": "", "fraction": 1.0, "code": ""}
    before = OtaEvent.objects.count()

    for number in range(5):
        for word in ("staged", "deferred"):
            attempt = {"sha256": release.sha256, "state": word, "reason": f"{number}", **words}
            node.post({**node.report(), "attempt": attempt, "rev": 9})

    row = rollout.deployments.get(node="spore-4")
    assert (row.state, row.reason) == ("deferred", "4")
    assert OtaEvent.objects.count() - before == 1


def test_a_node_that_heard_more_than_the_nexus_knows_of_heeds_the_next_order(cluster):
    node = cluster.nodes["spore-0"]
    node.rev = 7  # the database is an old backup

    assert node.sync()["rev"] == 7
    cluster.roll_out(make_release())
    cluster.conduct()

    told = node.sync()
    assert (told["order"], told["rev"]) == ("stage", 8)


def test_a_number_that_nobody_can_have_heard_is_not_taken_over(cluster):
    node = cluster.nodes["spore-0"]
    node.rev = 2**40

    assert node.sync()["rev"] == 0


def test_rows_are_written_in_the_conductors_order_so_that_neither_waits_for_the_other(cluster):
    cluster.roll_out(make_release())
    cluster.conduct()
    node = cluster.nodes["spore-0"]
    node.sync()

    with CaptureQueriesContext(connection) as seen:
        node.sync()  # it says that it has the release

    written = [query["sql"].split('"')[1] for query in seen if query["sql"].startswith("UPDATE")]
    assert written == ["ota_deployment", "ota_home"]
