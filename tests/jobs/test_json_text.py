import json
import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hive_site.kernel.errors import Invalid
from jobs.json_text import MAX_DEPTH, assemble, encode, page


def nested(depth, value=0):
    for _ in range(depth):
        value = [value]
    return value


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda of: st.lists(of, max_size=3) | st.dictionaries(st.text(st.characters()), of, max_size=3),
    max_leaves=10,
)


def strings(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for pair in value.items():
            yield from strings(list(pair))
    elif isinstance(value, list):
        for each in value:
            yield from strings(each)


def finite(value):
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return all(map(finite, value))
    return not isinstance(value, float) or math.isfinite(value)


def can_be_stored(value):
    return finite(value) and not any(re.search("[\0\ud800-\udfff]", t) for t in strings(value))


def encoded(value):
    """The text, or None if it is refused."""
    try:
        return encode(value, field="items.0")
    except Invalid:
        return None


@given(VALUES)
def test_what_can_be_stored_is_encoded_and_everything_else_is_refused(value):
    text = encoded(value)

    assert (text is not None) == can_be_stored(value)
    assert text is None or json.loads(text) == value
    assert text is None or text.encode()


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (math.nan, "not JSON"),
        ([math.inf], "not JSON"),
        ({1, 2}, "not JSON"),
        (object(), "not JSON"),
        ({(1, 2): 3}, "not JSON"),
        pytest.param(10**5000, "not JSON", id="huge"),
        ("\ud800", "surrogate"),
        ({"\udfff": 1}, "surrogate"),
        ("a\0b", "NUL"),
        ({"a\0b": 1}, "NUL"),
        ('\\"\0', "NUL"),
        (nested(MAX_DEPTH + 1), "deeper"),
        (nested(100_000), "deeper"),
        ({"a": nested(MAX_DEPTH)}, "deeper"),
    ],
)
def test_what_no_reader_could_use_is_refused_with_the_reason(value, reason):
    with pytest.raises(Invalid, match=reason) as fact:
        encode(value, field="items.7")

    assert fact.value.field == "items.7"


@pytest.mark.parametrize(
    "value",
    [
        nested(MAX_DEPTH),
        [[]] * 1000,
        "[" * 1000,
        '"[' * 1000,
        "\\" + "[" * 1000,
        r"\u0000",
        r"\\u0000",
        ["\\", "u0000"],
        "😀",
    ],
)
def test_what_only_looks_like_trouble_is_taken(value):
    assert json.loads(encode(value, field="kwargs")) == value


def test_texts_go_into_an_object_as_they_are():
    text = assemble({"a": "é", "b": None}, result='{"x": 2.50}', error=None)

    assert '"result": {"x": 2.50}' in text
    assert json.loads(text) == {"a": "é", "b": None, "result": {"x": 2.5}, "error": None}


def test_a_page_is_json_with_or_without_rows():
    assert json.loads(page("rows", ["1", "[2]"], following="/?a=1&b")) == {
        "rows": [1, [2]],
        "next": "/?a=1&b",
    }
    assert json.loads(page("rows", [], following=None)) == {"rows": [], "next": None}


@given(st.text())
def test_a_text_is_written_as_the_standard_library_writes_it(value):
    try:
        expected = json.dumps(value, ensure_ascii=False)
        expected.encode()
    except UnicodeEncodeError:
        expected = None
    if expected is None or "\\u0000" in expected:
        with pytest.raises(Invalid):
            encode(value, field="x")
    else:
        assert encode(value, field="x") == expected
