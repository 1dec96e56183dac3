"""From pages to titles and texts."""

import pytest

from jobs.articles.extraction import read_article
from jobs.articles.fetching import Page
from jobs.outcomes import Fail
from tests.jobs.articles.site import HTML, PROSE


def read(text, kind="text/html"):
    return read_article(Page("http://bees.example/", kind, text))


def test_the_article_of_a_page_has_its_title_and_prose():
    article = read(HTML % PROSE)

    assert article.title == "B & B"
    assert article.text.split() == PROSE.split()


def test_what_surrounds_an_article_is_left_out():
    menu = "<nav><ul><li><a href=/>Home</a><li><a href=/b>Buy now</a></ul></nav>"

    article = read(f"<html><body>{menu}<main><h1>Bees</h1><p>{PROSE}</p></main></body></html>")

    assert "Buy now" not in article.text
    assert article.title == "Bees"


def test_a_short_page_is_an_article_too():
    assert read("<html><body><p>Bees dance in the dark.</p></body></html>").text


def test_plain_text_is_titled_by_its_first_line():
    assert read("\n# Bees\n\nThey dance.", "text/markdown").title == "Bees"


def test_wrapped_lines_are_joined_but_not_items_headings_and_paragraphs():
    text = "Bees dance\nin the dark.\n\nThey like:\n- roses\n- lilies\n1. first\n2. second\n"

    article = read(text, "text/plain")

    assert article.text == (
        "Bees dance in the dark.\n\nThey like:\n- roses\n- lilies\n1. first\n2. second\n"
    )


def test_a_title_is_one_line_of_bounded_length():
    title = read("<html><head><title>a\nb " + "c" * 999 + f"</title></head><p>{PROSE}</p>").title

    assert title.startswith("a b c")
    assert len(title) == 300


def test_a_page_of_unclosed_titles_is_read_in_no_time():
    with pytest.raises(Fail):
        read("<title>" * 50_000)


@pytest.mark.parametrize(
    ("kind", "text", "reason"),
    [
        ("image/png", "", "image/png"),
        ("text/html", "<html></html>", "no text"),
        ("text/plain", " \n ", "no text"),
        ("text/html", "", "no text"),
    ],
)
def test_what_holds_no_text_fails_for_good(kind, text, reason):
    with pytest.raises(Fail, match=reason):
        read(text, kind)
