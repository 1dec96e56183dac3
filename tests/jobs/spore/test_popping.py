"""A slot asks Redis once for each bundle while one waits behind the other."""

import pytest

from hive_site.kernel.redis import Direct
from jobs.spore.popping import Popped, Popper
from nodes import wire

NODE = "spore-1"


@pytest.fixture
def client(broker):
    return broker.open()


def push(client, *bundles):
    for bundle in bundles:
        client.hset(wire.bundle_key(bundle), mapping={"data": bundle})
        client.rpush(wire.queue_key(NODE), bundle)


def take_along(popper, client):
    """What a report brings back."""
    return popper.read(Direct(client).ask(*popper.commands()))


def test_what_waits_is_popped_and_then_fetched(client):
    popper = Popper(Direct(client), NODE, alone=True)
    push(client, "a")

    popped = popper.wait()

    assert popped == Popped("a")
    assert popper.fetch(popped) == {b"data": b"a"}
    assert client.lrange(wire.intermediate_key(NODE), 0, -1) == [b"a"]


def test_who_has_the_queue_to_himself_gets_the_third_one_whole(client):
    popper = Popper(Direct(client), NODE, alone=True)
    push(client, "a", "b", "c")
    popper.wait()

    assert take_along(popper, client) == Popped("b")
    assert take_along(popper, client) == Popped("c", {b"data": b"c"})
    assert take_along(popper, client) is None


def test_a_bundle_that_another_popped_is_not_taken_for_the_next_one(client):
    popper = Popper(Direct(client), NODE, alone=True)
    push(client, "a", "b", "c", "d")
    popper.wait()
    take_along(popper, client)
    client.lpop(wire.queue_key(NODE))  # "c", by another slot

    popped = take_along(popper, client)

    assert popped == Popped("d")
    assert popper.fetch(popped) == {b"data": b"d"}


def test_slots_that_share_a_queue_guess_nothing(client):
    popper = Popper(Direct(client), NODE, alone=False)
    push(client, "a", "b", "c")
    popper.wait()

    assert [take_along(popper, client) for _ in range(2)] == [Popped("b"), Popped("c")]


def test_nothing_is_fetched_of_a_bundle_that_is_gone(client):
    popper = Popper(Direct(client), NODE, alone=True)
    client.rpush(wire.queue_key(NODE), "a")

    assert popper.fetch(popper.wait()) == {}
