"""Sentences end where a reader sees them end."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.articles.sentences import is_prose, split_sentences


@pytest.mark.parametrize(
    "sentences",
    [
        ["It costs 3.50 a jar.", "Fine!", "Is it?", "It is."],
        ['He said "Go."', "Then he left (at last).", "Nobody knew."],
        ["Dr. Smith met J. R. Doe, Mr. Bee etc. on Monday.", "They spoke."],
        ["It works, e.g. Tuesdays, in the U.S. Army.", "Really."],
        ["Well... maybe it does not.", "No way?!"],
        ["Привет, мир.", "Это тест."],
        ["Élan vital.", "Ärger auch."],
        ["Python 3.11 is out.", "2026 was late."],
    ],
)
def test_sentences_are_found_whole(sentences):
    assert split_sentences(" ".join(sentences)) == sentences


def test_chinese_needs_no_spaces():
    assert split_sentences("你好。再见！好") == ["你好。", "再见！", "好"]


def test_a_lines_end_is_a_sentences_end_and_bullets_go():
    text = "Bees\n\n- they dance\n2. they sing\n* they sting."

    assert split_sentences(text) == ["Bees", "they dance", "they sing", "they sting."]


@given(st.text(max_size=300))
def test_no_word_is_lost(text):
    words = "".join(split_sentences("x " + text)).split()

    assert set("".join(words)) <= set("x" + text)
    assert sum(c.isalpha() for w in words for c in w) == sum(c.isalpha() for c in "x" + text)


def test_headings_and_endless_lists_are_no_prose():
    assert is_prose("Bees make honey from nectar.")
    assert is_prose('Somebody asked: "Why do bees dance?"')
    assert not is_prose("How bees make their honey")
    assert not is_prose("Bees dance.")
    assert not is_prose("word " * 61 + "end.")
