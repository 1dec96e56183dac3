"""Summaries are sentences of the text, the most telling ones, in their order."""

from hypothesis import given
from hypothesis import strategies as st

from jobs.articles.textrank import rank, split_sentences, summarise

TEXT = (
    "Bees make honey from the nectar of flowers. The weather was nice on Tuesday. "
    "Honey bees dance to show where flowers with nectar grow. Flowers need bees as bees need "
    "nectar. Somebody lost an umbrella."
)


def test_sentences_end_at_full_stops_and_at_paragraphs_but_not_inside_numbers():
    assert split_sentences("It costs 3.50 a jar. Fine!\nNext one") == [
        "It costs 3.50 a jar.",
        "Fine!",
        "Next one",
    ]


def test_sentences_that_share_words_outrank_those_that_share_none():
    scores = rank(split_sentences(TEXT))

    assert min(scores[0], scores[2], scores[3]) > max(scores[1], scores[4])


def test_a_summary_keeps_the_order_of_the_text():
    assert summarise(TEXT, sentences=2).startswith("Bees make honey")


def test_a_text_shorter_than_the_summary_is_its_own_summary():
    assert summarise("One. Two.", sentences=3) == "One. Two."


@given(st.text(max_size=300), st.integers(0, 5))
def test_a_summary_consists_of_sentences_of_the_text(text, count):
    sentences = split_sentences(text)

    summary = summarise(text, sentences=count)

    assert len(summary) <= sum(len(s) + 1 for s in sentences)
    assert all(part in " ".join(sentences) for part in split_sentences(summary))
