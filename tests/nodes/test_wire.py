import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rq import Queue
from rq.job import Job

from nodes import wire
from nodes.domain.names import NODE_NAME
from nodes.spore.identity import new_incarnation


@pytest.mark.parametrize("name", ["a", "spore-1", "Rack_7-b", "x" * 48])
def test_these_are_names_of_nodes(name):
    assert NODE_NAME.fullmatch(name)


@pytest.mark.parametrize("name", ["", "x" * 49, "a:b", "a b", "a\n", "ä", "a/b", "a.b", "*"])
def test_no_name_reaches_into_another_nodes_keys(name):
    assert not NODE_NAME.fullmatch(name)


def test_no_two_keys_of_a_node_are_the_same():
    of_node = [
        wire.beat_key("a"),
        wire.report_key("a"),
        wire.control_channel("a"),
        wire.orders_key("a"),
        wire.flight_key("a"),
        wire.queue_key("a"),
        wire.intermediate_key("a"),
        wire.bundle_key("a"),
        wire.cancel_key("a"),
    ]

    assert len(set(of_node)) == len(of_node)


def test_the_queues_are_those_that_rq_knows():
    queue = Queue("spore-1", connection=object())

    assert wire.queue_key("spore-1") == queue.key
    assert wire.intermediate_key("spore-1") == queue.intermediate_queue_key
    assert wire.bundle_key("b1") == Job.key_for("b1")


def test_every_start_of_a_spore_has_connections_of_its_own_name():
    first, second = (wire.client_name("a", new_incarnation()) for _ in range(2))

    assert first != second
    assert " " not in first  # CLIENT SETNAME takes no spaces


@given(st.binary(max_size=3 * wire.PIECE_BYTES + 2), st.sampled_from(["e", "data"]))
@settings(max_examples=25)
def test_a_long_value_travels_in_pieces_none_of_which_is_long(value, name):
    fields = wire.pieces(name, value)

    assert max(map(len, fields.values())) <= wire.PIECE_BYTES
    assert wire.whole(name, {key.encode(): part for key, part in fields.items()}) == value


def test_a_value_of_just_one_piece_is_not_cut():
    assert list(wire.pieces("e", b"x" * wire.PIECE_BYTES)) == ["e"]
    assert list(wire.pieces("e", b"x" * (wire.PIECE_BYTES + 1))) == ["e", "e.1"]


def test_what_is_not_there_is_empty():
    assert wire.whole("e", {b"other": b"x"}) == b""
