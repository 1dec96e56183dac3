"""What is called out, and what comes back, over a fake and a real Redis."""

import json
import threading
from datetime import timedelta

import pytest
from django.utils import timezone
from redis.exceptions import ConnectionError as RedisConnectionError

from hive_site.kernel.envelope import node_key, seal
from hive_site.kernel.errors import Invalid, Unavailable, Unprocessable
from nodes import broadcasts, inbox, wire
from nodes.answers import MAX_ANSWER_BYTES, await_answers, broadcast_view
from nodes.broadcasts import KEPT, UNHEARD, Once, send_broadcast
from nodes.models import Acknowledgement, Broadcast, Node
from nodes.spore import line as line_module
from nodes.spore.identity import Identity
from nodes.spore.line import Line
from tests.nodes.cast import FLEET_KEY, SAID, wait_until

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def air(broker, monkeypatch, settings):
    """The Redis that Nexus and nodes share."""
    settings.HIVE_FLEET_KEY = FLEET_KEY
    for name in ("_client", "_hurried"):
        monkeypatch.setattr(inbox, name, broker.open())
    monkeypatch.setattr(inbox, "open_ear", broker.open)
    monkeypatch.setattr(line_module, "connect", broker.connect)


@pytest.fixture
def join(broker):
    """Makes a node known, and gives its line to Redis."""
    lines = []

    def build(name, *, incarnation="one", **columns) -> Line:
        Node.objects.create(name=name, incarnation=incarnation, **columns)
        me = Identity(name, node_key(FLEET_KEY, name), incarnation, 2, "1.0")
        lines.append(Line(broker.url, me))
        return lines[-1]

    yield build
    for line in lines:
        line.close()


def hear(line: Line) -> list:
    return list(line.beat(SAID, set()).calls)


def reply(line: Line, *, ok: bool = True, **data) -> None:
    for call in hear(line):
        line.answer(call.id, ok=ok, data=data)


def answers(broadcast: Broadcast) -> dict:
    return broadcast_view(broadcast)["acknowledgements"]


def test_each_node_hears_its_own_signed_copy(join, redis_client):
    a, b = join("a"), join("b", incarnation="two")

    broadcast, replayed = send_broadcast(command="STATUS", data={"n": 1})

    [heard], [other] = hear(a), hear(b)
    assert (heard.id, heard.command, heard.data) == (broadcast.pk, "STATUS", {"n": 1})
    assert (heard.incarnation, other.incarnation, replayed) == ("one", "two", False)
    assert 25 < heard.expires - redis_client.time()[0] <= 31


def test_those_who_were_not_called_hear_nothing(join):
    a, b = join("a"), join("b")

    broadcast, _ = send_broadcast(command="PING", nodes=["b", "b"])

    assert (len(hear(a)), len(hear(b)), broadcast.nodes) == (0, 1, ["b"])


def test_answers_are_stored_and_shown_as_they_come(join):
    a, b = join("a"), join("b")
    broadcast, _ = send_broadcast(command="PING")
    before = answers(broadcast)
    reply(a, n=1)

    complete = await_answers(broadcast, seconds=0.05)

    shown = answers(broadcast)
    assert (before, complete) == ({"a": None, "b": None}, False)
    assert (shown["a"]["ok"], shown["a"]["data"], shown["b"]) == (True, {"n": 1}, None)
    reply(b, ok=False, reason="no")
    assert await_answers(broadcast, seconds=0)
    assert answers(broadcast)["b"]["data"] == {"reason": "no"}


def test_waiting_ends_with_the_last_answer_and_not_with_the_time(join):
    line = join("a")
    broadcast, _ = send_broadcast(command="PING")
    node = threading.Timer(0.1, reply, (line,))
    node.start()

    assert await_answers(broadcast, seconds=60)
    node.join()


def test_lost_nodes_are_called_but_not_waited_for(join):
    join("a", state="lost")
    line = join("b")
    broadcast, _ = send_broadcast(command="PING")
    reply(line)

    assert await_answers(broadcast, seconds=60)
    assert answers(broadcast)["a"] is None


def test_the_first_answer_of_a_node_counts(join):
    line = join("a")
    broadcast, _ = send_broadcast(command="PING")
    line.answer(broadcast.pk, ok=True, data={"n": 1})
    line.answer(broadcast.pk, ok=False, data={"n": 2})

    await_answers(broadcast, seconds=0)

    assert answers(broadcast)["a"]["data"] == {"n": 1}


@pytest.mark.parametrize(
    "forgery",
    [
        {"by": "b"},
        {"purpose": wire.PURPOSE_REPORT},
        {"id": "bc_other"},
        {"v": wire.PROTOCOL + 1},
        {"data": "text"},
        {"data": {"long": "x" * MAX_ANSWER_BYTES}},
        {"data": {"half": "\ud800"}},
        {"n": "stranger"},
        {"n": "b", "by": "a"},
        {"missing": "e"},
    ],
    ids=str,
)
def test_answers_that_the_node_did_not_sign_for_this_broadcast_count_for_nothing(
    join, redis_client, forgery
):
    line = join("a")
    join("b", state="lost")
    broadcast, _ = send_broadcast(command="PING")
    body = {"v": wire.PROTOCOL, "id": broadcast.pk, "ok": True, "data": {"forged": True}}
    body |= {name: value for name, value in forgery.items() if name in body}
    key = node_key(FLEET_KEY, forgery.get("by", "a"))
    envelope = seal(json.dumps(body), key=key, purpose=forgery.get("purpose", wire.PURPOSE_ANSWER))
    fields = {"n": forgery.get("n", "a"), "e": envelope}
    fields.pop(forgery.get("missing"), None)
    redis_client.xadd(wire.answers_key(broadcast.pk), fields or {"x": 1})
    line.answer(broadcast.pk, ok=True, data={"honest": True})

    assert await_answers(broadcast, seconds=0)
    assert answers(broadcast) == {
        "a": {"ok": True, "at": answers(broadcast)["a"]["at"], "data": {"honest": True}},
        "b": None,
    }


@pytest.mark.parametrize(
    ("command", "intent"), [("DRAIN", "drain"), ("RESUME", "work"), ("PING", "cordon")]
)
def test_drain_and_resume_are_decided_whoever_hears_them(
    join, redis_client, django_capture_on_commit_callbacks, command, intent
):
    join("a", intent="cordon", state="lost")
    join("b", intent="cordon")

    with django_capture_on_commit_callbacks(execute=True):
        send_broadcast(command=command, nodes=["a"])

    assert Node.objects.get(name="a").intent == intent
    assert Node.objects.get(name="b").intent == "cordon"
    assert redis_client.xlen(wire.INBOX) == (command != "PING")


def test_resume_forgives_what_was_lost(join):
    join("a")

    send_broadcast(command="RESUME")

    assert timezone.now() - Node.objects.get().forgiven_at < timedelta(minutes=1)


@pytest.mark.parametrize(
    ("wish", "field", "reason"),
    [
        ({"command": "EXPLODE"}, "command", "give one of PING, STATUS"),
        ({"command": None}, "command", "give one of"),
        ({"command": ["PING"]}, "command", "give one of"),
        ({"nodes": ["a", "spore-x"]}, "nodes.1", "no node is named 'spore-x'"),
        ({"nodes": [3]}, "nodes.0", "no node is named 3"),
        ({"nodes": []}, "nodes", "null for all nodes"),
        ({"nodes": "a"}, "nodes", "give a list"),
        ({"data": [1]}, "data", "give an object"),
        ({"data": {"x": "y" * 5000}}, "data", "4096 at most"),
        ({"data": {"x": "\ud800"}}, "data", "surrogates"),
        ({"data": {"x": float("nan")}}, "data", "not JSON"),
    ],
    ids=str,
)
def test_a_wish_that_makes_no_sense_is_refused_with_its_field(
    join, redis_client, wish, field, reason
):
    join("a")

    with pytest.raises(Invalid, match=reason) as refusal:
        send_broadcast(**{"command": "PING", **wish})

    assert refusal.value.field == field
    assert not Broadcast.objects.exists()
    assert not redis_client.exists(wire.commands_key("a"))


def test_nul_characters_in_data_are_kept(join):
    line = join("a")
    broadcast, _ = send_broadcast(command="PING", data={"x": "a\0b"})

    assert hear(line)[0].data == {"x": "a\0b"}
    broadcast.refresh_from_db()
    assert broadcast_view(broadcast)["data"] == {"x": "a\0b"}


def test_nothing_is_stored_or_decided_while_redis_is_away(join, monkeypatch):
    join("a")

    class Away:
        def time(self):
            raise RedisConnectionError("gone")

    monkeypatch.setattr(inbox, "_hurried", Away())

    with pytest.raises(Unavailable, match="Redis is away"):
        send_broadcast(command="DRAIN")
    assert (Broadcast.objects.count(), Node.objects.get().intent) == (0, "work")


def test_a_redis_that_goes_away_meanwhile_leaves_a_record(join, monkeypatch):
    join("a")

    def publish(*args, **kwargs):
        raise Unavailable("gone")

    monkeypatch.setattr(broadcasts, "_publish", publish)

    with pytest.raises(Unavailable):
        send_broadcast(command="PING")
    assert Broadcast.objects.count() == 1


def test_the_same_key_calls_out_once(join):
    line, once = join("a"), Once("k", "f")

    first, before = send_broadcast(command="PING", submitted_by="me", once=once)
    again, replayed = send_broadcast(command="PING", submitted_by="me", once=once)
    other, _ = send_broadcast(command="PING", submitted_by="you", once=once)

    assert (first, before, replayed) == (again, False, True)
    assert other != first
    assert len(hear(line)) == 2
    with pytest.raises(Unprocessable, match="came with another request"):
        send_broadcast(command="DRAIN", submitted_by="me", once=Once("k", "g"))


def test_what_nobody_hears_is_bounded_and_goes(join, redis_client):
    join("a", state="lost")

    for _ in range(UNHEARD + 5):
        send_broadcast(command="PING")

    key = wire.commands_key("a")
    assert redis_client.llen(key) == UNHEARD
    assert 0 < redis_client.ttl(key) <= 30


def test_old_broadcasts_are_forgotten_with_their_answers(join):
    line = join("a")
    first, _ = send_broadcast(command="PING")
    reply(line)
    await_answers(first, seconds=0)
    rows = [Broadcast(id=f"bc_Z{number:03}", command="PING") for number in range(KEPT)]
    Broadcast.objects.bulk_create(rows)

    send_broadcast(command="PING")

    assert Broadcast.objects.count() == KEPT
    assert not Acknowledgement.objects.exists()


def test_a_node_that_missed_the_call_finds_it_with_its_next_heartbeat(join, broker):
    line = join("a")
    send_broadcast(command="PING")  # nobody subscribed

    wait_until(lambda: hear(line))
