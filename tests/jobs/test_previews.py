"""JSON texts as pages show them."""

from jobs.domain.references import Reference
from jobs.previews import Preview, preview


def test_short_values_stay_on_one_line_and_longer_ones_are_indented():
    assert preview('{"a":1}') == Preview('{"a":1}')
    assert preview('{"a":"' + "x" * 100 + '"}').text.startswith('{\n  "a"')


def test_long_values_are_cut():
    found = preview('"' + "x" * 9_000 + '"', most=100)

    assert (len(found.text), found.cut) == (100, True)


def test_a_large_value_is_named_by_where_it_lies():
    assert preview(str(Reference("a" * 64, 5))) == Preview("", True, "a" * 64, 5)
    assert preview('@["1", "@x"]').cut


def test_a_number_that_python_does_not_read_shows_as_it_came():
    text = "[" + "1" * 5_000 + "]"

    assert preview(text, most=9_000).text == text


def test_nothing_has_no_preview():
    assert preview(None) is None
