import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.domain.references import (
    Reference,
    is_over,
    is_reference,
    join,
    read_reference,
    resolve,
)

VALUES = st.recursive(
    st.none() | st.integers(-(10**9), 10**9) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


class Shelf(dict):
    """Stored texts by reference."""

    def put(self, text):
        data = text.encode()
        reference = Reference(hashlib.sha256(data).hexdigest(), len(data))
        self[reference] = text
        return str(reference)


@given(VALUES)
def test_no_json_passes_for_a_reference(value):
    text = json.dumps(value)

    assert not is_reference(text)
    assert read_reference(text) is None
    assert resolve(text, {}.__getitem__) == text


@given(st.lists(st.tuples(VALUES, st.booleans())), st.booleans())
def test_a_list_of_small_and_large_values_comes_back_in_order(rows, as_a_whole):
    shelf = Shelf()
    texts = [json.dumps(value) for value, _ in rows]
    kept = [
        shelf.put(text) if large else text for text, (_, large) in zip(texts, rows, strict=True)
    ]

    text = join(kept)
    if as_a_whole:
        text = shelf.put(text)

    assert json.loads(resolve(text, shelf.__getitem__)) == [value for value, _ in rows]


@pytest.mark.parametrize(
    "text",
    [
        "@",
        "@abc:1",
        f"@{'a' * 64}",
        f"@{'A' * 64}:1",
        f"@{'a' * 64}:-1",
        f"@{'a' * 64}:1\n",
        f" @{'a' * 64}:1",
    ],
)
def test_what_only_looks_like_a_reference_is_none(text):
    assert read_reference(text) is None
    if is_reference(text):
        with pytest.raises(ValueError, match="no reference"):
            resolve(text, {}.__getitem__)


@given(st.text(), st.integers(0, 50))
def test_length_is_counted_in_bytes(text, limit):
    assert is_over(text, limit) == (len(text.encode()) > limit)
