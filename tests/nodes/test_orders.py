import pytest

from hive_site.kernel.envelope import Forged, node_key, unseal
from nodes import wire
from nodes.keyring import Keyring
from nodes.models import Node
from nodes.orders import send_orders
from tests.nodes.cast import FLEET_KEY

pytestmark = pytest.mark.django_db


def read(client, name: str, *, key: str = "") -> dict:
    envelope = client.get(wire.orders_key(name))
    return unseal(envelope, key=node_key(FLEET_KEY, key or name), purpose=wire.PURPOSE_ORDER)


def send(client, **revs: int) -> None:
    send_orders(client, Node.objects.all(), keyring=Keyring(FLEET_KEY), revs=revs)


def test_each_node_finds_its_own_orders(redis_client):
    Node.objects.create(name="a", wanted_slots=7, incarnation="one")
    Node.objects.create(name="b")

    send(redis_client)

    assert read(redis_client, "a") == {"v": wire.PROTOCOL, "slots": 7, "over": None, "ota_rev": 0}
    assert read(redis_client, "b") == {
        "v": wire.PROTOCOL,
        "slots": None,
        "over": None,
        "ota_rev": 0,
    }
    with pytest.raises(Forged):
        read(redis_client, "a", key="b")


def test_a_lost_node_is_told_that_this_start_of_it_is_over(redis_client):
    Node.objects.create(name="a", state="lost", incarnation="one")

    send(redis_client)

    assert read(redis_client, "a")["over"] == "one"


def test_only_nodes_whose_orders_are_new_are_woken(redis_client, broker):
    Node.objects.create(name="a")
    Node.objects.create(name="b")
    ear = broker.open().pubsub()
    for name in ("a", "b"):
        ear.subscribe(wire.control_channel(name))
        assert ear.get_message(timeout=20)["type"] == "subscribe"

    send(redis_client)
    send(redis_client)
    Node.objects.filter(name="b").update(wanted_slots=3)
    send(redis_client)
    redis_client.publish(wire.control_channel("b"), "the end")

    heard = []
    while "the end" not in [said for _, said in heard]:
        message = ear.get_message(timeout=20)
        heard.append((message["channel"].decode()[-1], message["data"].decode()))
    assert heard == [("a", "look"), ("b", "look"), ("b", "look"), ("b", "the end")]


def test_a_node_sees_that_other_code_is_wanted_of_it(redis_client):
    Node.objects.create(name="a")

    send(redis_client, a=4)

    assert read(redis_client, "a")["ota_rev"] == 4


def test_without_nodes_there_is_nothing_to_send(redis_client):
    send(redis_client)

    assert redis_client.keys() == []
