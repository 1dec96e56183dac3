"""Texts of the live socket: commands are read strictly, positions kindly."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hive_site.live.domain import protocol
from hive_site.live.domain.protocol import Position, Unclear, read_command, read_position

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
)


def test_a_command_says_what_to_watch_and_from_where():
    text = json.dumps({"watch": {"nodes": "ab:12", "jobs": None}})

    assert read_command(text) == {"nodes": Position("ab", 12), "jobs": None}


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "hello",
        "[]",
        "{}",
        '{"watch": ["nodes"]}',
        '{"watch": {}, "also": 1}',
        json.dumps({"watch": {str(n): None for n in range(21)}}),
        json.dumps({"watch": {"x" * 201: None}}),
        json.dumps({"watch": {}}) + " " * protocol.MOST_BYTES,
        "[" * 60_000,
    ],
)
def test_what_is_no_command_is_refused_with_a_word_of_why(text):
    with pytest.raises(Unclear, match=r"."):
        read_command(text)


@given(JSON)
def test_any_json_is_either_a_command_or_refused(value):
    try:
        places = read_command(json.dumps({"watch": value}))
    except Unclear:
        return
    assert list(places) == list(value)


@given(st.text(st.characters(exclude_characters=":")), st.integers(0, 10**17))
def test_positions_survive_the_way_there_and_back(feed, seq):
    position = Position(feed, seq)

    assert read_position(str(position)) == (position if feed else None)


@pytest.mark.parametrize("text", [None, 3, "", "ab", ":1", "ab:", "ab:-1", "ab:1.5", "ab:²"])
def test_what_is_no_position_asks_for_everything(text):
    assert read_position(text) is None


def test_changed_cells_are_told_by_what_they_show():
    assert protocol.changed_cells({4: 5, 2: 3, 9: 5}) == {"set": {"5": [4, 9], "3": [2]}}
