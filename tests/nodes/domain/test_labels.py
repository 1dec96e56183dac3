import pytest
from hypothesis import given
from hypothesis import strategies as st

from nodes.domain.labels import MOST, flaw_of


@pytest.mark.parametrize("labels", [{}, {"site": "lab"}, {"x.y/z-1_": ""}, {"a" * 63: "é 🐝" * 50}])
def test_short_names_with_a_line_of_text_are_labels(labels):
    assert flaw_of(labels) == ""


@pytest.mark.parametrize(
    ("labels", "flaw"),
    [
        ([], "give an object"),
        ({f"a{n}": "" for n in range(MOST + 1)}, "give an object of at most 50"),
        ({"1a": "x"}, "'1a'; a name is a letter"),
        ({"a" * 64: "x"}, "a name is a letter"),
        ({5: "x"}, "5; a name is a letter"),
        ({"a": 5}, "a: give a line of text"),
        ({"a": "\ud800"}, "a: give a line of text"),
        ({"a": "b\0"}, "a: give a line of text"),
        ({"a": "x" * 201}, "a: give a line of text"),
    ],
)
def test_everything_else_is_none_and_the_flaw_says_why(labels, flaw):
    assert flaw in flaw_of(labels)


ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=3)


@given(st.dictionaries(ANY_TEXT, ANY_TEXT))
def test_what_is_a_label_can_be_stored_and_shown(labels):
    if not flaw_of(labels):
        assert "\0" not in str(labels)
        assert str(labels).encode()
