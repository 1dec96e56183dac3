"""Bundles: what the Foreman composes is what a slot reads, and nobody else's."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.wire import BUNDLE_TTL_SECONDS, Piece, bundle_id, compose, read_bundle
from nodes.domain.names import NODE_NAME
from nodes.wire import PROTOCOL

FIELDS = {
    "node": "spore-1",
    "incarnation": "first",
    "job": "job_1",
    "stop_token": "job_1.2",
    "task": "t.task",
    "total": 9,
    "timeout": 1.5,
    "first": 100,
    "kwargs": '{"sentences": 3}',
    "pieces": [Piece(1004, 4, 2, '"a"'), Piece(1005, 5, 1, '{"b":[1.50]}')],
    "gpus": (1, 3),
    "idempotent": False,
    "now": 1000.0,
}
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def read(text, *, node="spore-1", incarnation="first"):
    return read_bundle(json.loads(text), node=node, incarnation=incarnation)


def test_a_slot_reads_what_was_composed():
    bundle = read(compose(**FIELDS))

    assert bundle.id == bundle_id("spore-1", 100) == "spore-1-00000000000064"
    assert (bundle.job, bundle.stop_token, bundle.task) == ("job_1", "job_1.2", "t.task")
    assert (bundle.total, bundle.timeout, bundle.first) == (9, 1.5, 100)
    assert (bundle.kwargs, bundle.gpus) == ({"sentences": 3}, (1, 3))
    assert bundle.items == [(1004, 4, 2, "a"), (1005, 5, 1, {"b": [1.5]})]
    assert bundle.idempotent is False
    assert bundle.expires == 1000 + BUNDLE_TTL_SECONDS


@given(st.lists(VALUES, min_size=1, max_size=5), st.dictionaries(st.text(), VALUES, max_size=3))
def test_items_and_keywords_arrive_as_they_are(items, kwargs):
    pieces = [Piece(n, n, 1, json.dumps(item, ensure_ascii=False)) for n, item in enumerate(items)]

    bundle = read(compose(**{**FIELDS, "pieces": pieces, "kwargs": json.dumps(kwargs)}))

    assert [item for *_, item in bundle.items] == items
    assert bundle.kwargs == kwargs


def test_texts_travel_as_the_machine_that_made_them_wrote_them():
    assert '{"b":[1.50]}' in compose(**FIELDS)


@pytest.mark.parametrize("other", [{"node": "spore-2"}, {"incarnation": "second"}])
def test_a_bundle_for_another_is_refused(other):
    with pytest.raises(ValueError, match="not for us"):
        read(compose(**FIELDS), **other)


@pytest.mark.parametrize("body", [{"v": PROTOCOL + 1}, {}, [], None, "v"])
def test_another_protocol_is_refused(body):
    with pytest.raises(ValueError, match="protocol"):
        read_bundle(body, node="spore-1", incarnation="first")


def test_the_id_of_a_bundle_begins_with_its_node_and_fits_the_board():
    """Redis lets a node touch keys with its own prefix only; the board keeps 64 bytes."""
    longest = "n" * 48
    assert NODE_NAME.fullmatch(longest)

    id_ = bundle_id(longest, (2**20 << 32) + 2**32)

    assert id_.startswith(longest)
    assert len(id_) <= 64
