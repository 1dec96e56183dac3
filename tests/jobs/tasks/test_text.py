"""Counting words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.outcomes import Fail
from jobs.tasks.text import merge_counts, word_count
from tests.jobs.tasks.doubles import FakeContext


def test_words_are_counted_whatever_their_case_and_punctuation():
    counts = word_count(FakeContext(), "To bee, or not to bee? Don't!")

    assert counts == {"to": 2, "bee": 2, "or": 1, "not": 1, "don't": 1}


@given(st.lists(st.text(alphabet="ab c", max_size=30), max_size=5))
def test_merging_the_counts_of_parts_counts_the_whole(parts):
    merged = merge_counts(FakeContext(), [word_count(FakeContext(), part) for part in parts])

    assert merged == dict(word_count(FakeContext(), " ".join(parts)))


def test_the_most_frequent_word_comes_first():
    assert list(merge_counts(FakeContext(), [{"a": 1}, {"b": 3}])) == ["b", "a"]


def test_what_is_no_text_fails_for_good():
    with pytest.raises(Fail, match="give text"):
        word_count(FakeContext(), 5)


@pytest.mark.parametrize("item", [{"a": 1}, [None], [{"a": "1"}], ["a"]])
def test_what_are_no_counts_fails_for_good(item):
    with pytest.raises(Fail, match="word_count"):
        merge_counts(FakeContext(), item)
