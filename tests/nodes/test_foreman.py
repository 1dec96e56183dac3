import json
from datetime import timedelta

import pytest

from nodes import wire
from nodes.foreman import STANDBY_REST
from nodes.models import Lease, Node, ReportCursor
from nodes.publisher import SNAPSHOT_TTL_SECONDS
from tests.nodes.cast import Spore, after

pytestmark = pytest.mark.django_db


def wait(foreman) -> None:
    foreman.wait(timedelta(milliseconds=1))


def test_a_standby_touches_no_work(foreman, work):
    Lease.objects.create(pk=1, holder="another", epoch=3, expires_at=after(15))

    rest = foreman.tick(after(0))

    assert (rest, foreman.leads, work.calls) == (STANDBY_REST, False, [])


def test_a_new_leader_takes_over_looks_around_and_only_then_sends(foreman, work, spore):
    spore.listen().beat()

    foreman.tick(after(0))

    assert foreman.leads
    assert work.calls == [
        ("take_over", 1),
        ("heed", []),
        ("housekeep", None),
        ("dispatch", ["spore-1"]),
    ]


def test_work_is_taken_over_once_for_each_epoch(foreman, work):
    foreman.tick(after(0))
    foreman.tick(after(1))
    Lease.objects.update(holder="another", epoch=2, expires_at=after(10))
    foreman.tick(after(6))
    foreman.tick(after(11))

    assert work.of("take_over") == [1, 3]


def test_the_database_learns_which_memory_of_redis_was_taken_over(foreman, redis_client):
    foreman.tick(after(0))

    assert Lease.objects.get().boot_key.encode() == redis_client.get(wire.BOOT)


def test_a_new_leader_reads_what_its_predecessor_did_not_record(foreman, work, spore):
    Node.objects.create(name="spore-1", incarnation="one")
    recorded = spore.report({"n": 1})
    spore.report({"n": 2})
    ReportCursor.objects.create(node="spore-1", entry=recorded)
    foreman.tick(after(0))

    wait(foreman)
    foreman.tick(after(0.1))

    assert work.of("record") == [[2]]


def test_mail_is_recorded_before_its_hints_are_followed(foreman, work, spore, redis_client):
    spore.listen().beat()
    foreman.tick(after(0))
    spore.report({"n": 1})
    redis_client.xadd(wire.INBOX, {"what": "job", "subject": "job_1"})
    work.calls.clear()

    wait(foreman)
    foreman.tick(after(0.1))

    assert work.calls[:2] == [("record", [1]), ("heed", ["job_1"])]
    assert work.names()[-1] == "dispatch"


def test_slots_that_stand_idle_come_before_the_round(foreman, work, spore):
    spore.listen().beat()
    foreman.tick(after(0))
    spore.report({"n": 1})
    work.calls.clear()

    wait(foreman)
    foreman.tick(after(1))

    assert work.names() == ["record", "heed", "dispatch", "housekeep", "dispatch"]


def test_mail_is_recorded_once(foreman, work, spore):
    spore.listen().beat()
    foreman.tick(after(0))
    spore.report({"n": 1})

    for seconds in (0.1, 0.2, 0.3):
        wait(foreman)
        foreman.tick(after(seconds))

    assert work.of("record") == [[1]]


def test_a_refused_report_moves_the_cursor_past_it(foreman, work, spore):
    spore.listen().beat()
    foreman.tick(after(0))
    spore.report({"n": 1}, by="spore-2")

    wait(foreman)
    foreman.tick(after(0.1))

    assert work.of("record") == [[]]


def test_a_node_that_joins_is_enrolled(foreman, spore):
    spore.listen().beat(cpu=0.75, labels={"site": "lab"})

    foreman.tick(after(0))

    node = Node.objects.get()
    assert (node.name, node.state, node.incarnation) == ("spore-1", "online", "one")
    assert (node.cpu, node.own_labels) == (0.75, {"site": "lab"})


def test_the_cluster_is_looked_at_once_a_second(foreman, work):
    for seconds in (0, 0.5, 0.999, 1.0, 1.5, 2.0):
        foreman.tick(after(seconds))

    assert work.names().count("housekeep") == 3
    assert work.names().count("dispatch") == 6


def test_whoever_announces_itself_is_looked_for_at_once(foreman, work, spore, redis_client):
    foreman.tick(after(0))
    spore.listen().beat()
    redis_client.xadd(wire.INBOX, {"what": "joined", "subject": "spore-1"})

    wait(foreman)
    foreman.tick(after(0.1))

    assert work.of("dispatch") == [[], ["spore-1"]]


def test_it_rests_until_the_next_look_or_until_work_is_due(foreman, work):
    assert foreman.tick(after(0)) == timedelta(seconds=1)
    assert foreman.tick(after(0.75)) == timedelta(seconds=0.25)
    work.due = timedelta(seconds=0.1)
    assert foreman.tick(after(0.8)) == timedelta(seconds=0.1)
    work.due = timedelta(seconds=-5)
    assert foreman.tick(after(0.9)) == timedelta(milliseconds=1)


def test_a_wait_ends_when_mail_comes(foreman, work, spore):
    spore.listen().beat()
    foreman.tick(after(0))
    spore.report({"n": 1})

    foreman.wait(timedelta(seconds=20))
    foreman.tick(after(0.1))

    assert work.of("record") == [[1]]


def test_viewers_get_a_new_picture_every_second(foreman, spore, redis_client):
    spore.listen().beat()
    pictures = []
    for seconds in (0, 0.5, 1):
        foreman.tick(after(seconds))
        pictures.append(json.loads(redis_client.get(wire.SNAPSHOT)))

    assert [picture["number"] for picture in pictures] == [1, 1, 2]
    assert pictures[2]["at"] == after(1).timestamp()
    assert pictures[2]["foreman"] == {"holder": Lease.objects.get().holder, "epoch": 1}
    assert pictures[2]["nodes"][0]["name"] == "spore-1"
    assert 0 < redis_client.ttl(wire.SNAPSHOT) <= SNAPSHOT_TTL_SECONDS


def test_loads_are_saved_every_five_seconds(foreman, spore):
    spore.listen().beat(cpu=0.1)
    foreman.tick(after(0))
    spore.beat(cpu=0.9)
    saved = []
    for seconds in (4, 5):
        foreman.tick(after(seconds))
        saved.append(Node.objects.get().cpu)

    assert saved == [0.1, 0.9]


def test_an_operators_wish_reaches_the_agent_and_placement(foreman, work, spore, redis_client):
    spore.listen().beat()
    foreman.tick(after(0))
    Node.objects.update(intent="drain", wanted_slots=7)
    redis_client.xadd(wire.INBOX, {"what": "node", "subject": "spore-1"})

    wait(foreman)
    foreman.tick(after(0.1))
    for seconds in range(1, 5):
        foreman.tick(after(seconds))

    assert redis_client.get(wire.orders_key("spore-1"))
    assert work.of("dispatch") == [["spore-1"], [], [], [], [], []]
    assert Node.objects.get().state == "draining"


def test_a_wish_is_followed_even_if_its_hint_was_lost(foreman, spore, redis_client):
    spore.listen().beat()
    foreman.tick(after(0))
    redis_client.delete(wire.orders_key("spore-1"))

    foreman.tick(after(5))

    assert redis_client.get(wire.orders_key("spore-1"))


@pytest.mark.parametrize("hinted", [True, False])
def test_a_node_that_its_operator_deleted_stays_away(foreman, spore, redis_client, hinted):
    spore.beat()  # its last one: nobody listens any more
    foreman.tick(after(0))
    Node.objects.all().delete()
    if hinted:
        redis_client.xadd(wire.INBOX, {"what": "node", "subject": "spore-1"})

    for seconds in (5, 6, 7):
        wait(foreman)
        foreman.tick(after(seconds))

    assert not Node.objects.exists()


def test_a_deleted_node_that_lives_joins_again(foreman, spore):
    spore.listen().beat()
    foreman.tick(after(0))
    Node.objects.all().delete()
    foreman.tick(after(5))
    spore.beat()

    foreman.tick(after(6))

    assert Node.objects.get().state == "online"


def test_a_leader_that_stops_is_followed_at_once(foreman):
    foreman.tick(after(0))

    foreman.stop()

    assert not foreman.leads
    assert Lease.objects.get().expires_at is None


def test_two_nodes_are_recorded_in_one_round(foreman, work, broker):
    spores = [Spore(broker, name).listen().beat() for name in ("a", "b")]
    foreman.tick(after(0))
    for number, spore in enumerate(spores):
        spore.report({"n": number})

    wait(foreman)
    foreman.tick(after(0.1))

    assert sorted(work.of("record")[0]) == [0, 1]


def test_a_list_of_tasks_is_told_once_by_the_leader(foreman, spore, redis_client, learned):
    text = wire.list_tasks({"a.b": {"summary": "Does it."}})
    digest = wire.digest_tasks(text)
    redis_client.set(wire.tasks_key(digest), text)

    for second in range(3):
        spore.listen().beat(tasks=digest, release="1.4")
        foreman.tick(after(second * 2))

    [found] = learned
    assert (found.release, found.tasks) == ("1.4", {"a.b": {"summary": "Does it."}})


def test_a_list_that_breaks_whoever_is_told_keeps_the_leader_from_nothing(
    foreman, work, spore, redis_client, learned, monkeypatch
):
    redis_client.set(wire.tasks_key(wire.digest_tasks('["a.b"]')), '["a.b"]')
    spore.listen().beat(tasks=wire.digest_tasks('["a.b"]'))
    monkeypatch.setattr(foreman._rounds, "_learn", lambda found, now: {}["no such"])

    foreman.tick(after(0))

    assert work.names()[-1] == "dispatch"
