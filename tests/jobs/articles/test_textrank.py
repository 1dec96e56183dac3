"""Summaries are sentences of the text, the most telling ones, in their order."""

from math import isclose, log

from hypothesis import given
from hypothesis import strategies as st

from jobs.articles.sentences import split_sentences
from jobs.articles.textrank import MAX_SENTENCES, rank, summarise

HONEY = "Bees make honey from the nectar of flowers."
DANCE = "Honey bees dance to show where flowers with nectar grow."
NEED = "All flowers need their bees as bees need nectar."
WEATHER, UMBRELLA = "The weather was nice on Tuesday.", "Somebody lost a red umbrella yesterday."
TEXT = " ".join([WEATHER, HONEY, UMBRELLA, DANCE, NEED])


def test_sentences_that_share_words_outrank_those_that_share_none():
    weather, *related = rank([WEATHER, HONEY, DANCE, NEED])

    assert isclose(weather, 0.15)
    assert min(related) > weather


def test_the_scores_solve_the_papers_equation():
    # Bags: {a1 b1 c1}, {a1 b1}, {b1 d1}: shared 2, 1, 1.
    ab, ac, bc = 2 / (log(3) + log(2)), 1 / (log(3) + log(2)), 1 / (log(2) + log(2))

    first, second, third = rank(["a1 b1 c1", "a1 b1", "b1 d1"])

    expected = 0.15 + 0.85 * (ab * second / (ab + bc) + ac * third / (ac + bc))
    assert isclose(first, expected, abs_tol=1e-3)


@given(st.lists(st.text(alphabet="abcd ", max_size=12), max_size=8))
def test_scores_stay_in_their_bounds(sentences):
    scores = rank(sentences)

    assert len(scores) == len(sentences)
    assert all(score >= 0.15 - 1e-9 for score in scores)
    assert sum(scores) <= len(scores) + 1e-6


def test_a_summary_takes_the_telling_sentences_in_the_order_of_the_text():
    assert summarise(TEXT, sentences=3) == f"{HONEY} {DANCE} {NEED}"


def test_a_heading_is_passed_over_where_there_is_prose_enough():
    assert summarise(f"Bees flowers nectar honey\n{TEXT}", sentences=2).endswith(".")
    assert summarise("Bees and flowers", sentences=2) == "Bees and flowers"


def test_a_text_shorter_than_the_summary_is_its_own_summary():
    assert summarise("One. Two.", sentences=3) == "One. Two."


def test_sentences_beyond_the_limit_are_not_considered():
    filler = " ".join(f"Filler number{i} says thing{i} again today." for i in range(MAX_SENTENCES))

    assert HONEY not in summarise(f"{filler} {HONEY} {DANCE} {NEED}", sentences=3)


def test_an_endless_sentence_is_quoted_in_part():
    summary = summarise("honey " * 100_000, sentences=1)

    assert summary.endswith("honey…")
    assert len(summary) <= 1000


@given(st.text(max_size=300), st.integers(1, 5))
def test_a_summary_consists_of_sentences_of_the_text(text, count):
    sentences = split_sentences(text)

    summary = summarise(text, sentences=count)

    assert summary == "" if not sentences else any(s in summary for s in sentences)
    assert len(summary) <= sum(len(s) + 1 for s in sentences)
