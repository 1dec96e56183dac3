"""References to results: where they stand, what is none, and what comes in their place."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.domain.quotes import BadReference, Reference, find_references, read_reference, splice

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)
A = Reference("$result", "a")


def test_a_reference_is_an_object_with_nothing_else_in_it():
    assert read_reference({"$result": "a"}) == A
    assert read_reference({"$results": "a"}) == Reference("$results", "a")
    assert [read_reference(value) for value in ({"a": 1}, {}, [], "$result", None)] == [None] * 5


@pytest.mark.parametrize(
    "value",
    [
        {"$result": 1},
        {"$result": None},
        {"$result": "a", "b": 1},
        {"$result": "a", "$results": "b"},
    ],
)
def test_what_looks_like_one_and_is_none_is_refused_with_its_place(value):
    with pytest.raises(BadReference) as caught:
        list(find_references([0, {"x": value}], at="items"))

    assert caught.value.at == "items.1.x"


def test_every_reference_is_found_with_its_place():
    value = [{"$result": "a"}, {"deep": [1, {"$results": "b"}]}]

    assert list(find_references(value, at="items")) == [
        ("items.0", A),
        ("items.1.deep.1", Reference("$results", "b")),
    ]


@given(VALUES)
def test_without_references_nothing_changes(value):
    try:
        assert not list(find_references(value))
    except BadReference:
        return
    assert json.loads(splice(value, lambda reference: "1")) == value


@given(VALUES, VALUES)
def test_a_result_comes_in_as_it_is_and_is_not_looked_into(value, result):
    template = {"before": value, "here": {"$result": "a"}, "list": [{"$result": "a"}]}
    try:
        list(find_references(value))
    except BadReference:
        return

    text = splice(template, lambda reference: json.dumps(result))

    assert json.loads(text) == {"before": value, "here": result, "list": [result]}
