"""The demo's twenty articles: real text, served slowly."""

import urllib.error
import urllib.request

import pytest

from hive_site.demo.articles import Article, ArticleServer, find_articles

PAGE = Article("/bees", "Bees", ("Bees dance to tell each other the way to flowers nearby.",))


def fetch(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return answer.read()


def test_an_installation_of_the_hive_holds_twenty_articles_of_real_text():
    articles = find_articles(20)

    assert len({article.path for article in articles}) == 20
    assert all(len(article.paragraphs) >= 3 for article in articles)
    assert all(len(text.split()) >= 8 for article in articles for text in article.paragraphs)


def test_the_same_installation_gives_the_same_articles_in_the_same_order():
    assert find_articles(20) == find_articles(20)


def test_a_page_is_html_that_shows_markup_of_the_text_as_text():
    page = Article("/x", "a < b", ("<script>alert(1)</script>",)).page().decode()

    assert "<h1>a &lt; b</h1>" in page
    assert "<script>" not in page


def test_the_server_answers_its_articles_and_nothing_else():
    with ArticleServer([PAGE], delay_seconds=0) as server:
        assert b"Bees dance" in fetch(server.urls[0])
        with pytest.raises(urllib.error.HTTPError, match="404"):
            fetch(server.urls[0] + "-of-another-hive")
