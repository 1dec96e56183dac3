"""Articles become summaries, and summaries a digest."""

from dataclasses import replace

import pytest

from jobs.outcomes import Fail
from jobs.tasks.articles import digest, summarise
from tests.jobs.articles.site import PROSE, serve
from tests.jobs.tasks.doubles import FakeContext


@pytest.fixture
def site(settings):
    """The address of a site that tasks may read, though it is private."""
    settings.HIVE = replace(settings.HIVE, allow_private_addresses=True)
    with serve() as port:
        yield f"http://127.0.0.1:{port}"


def summary(**changes):
    row = {"url": "http://b.example/", "title": "Bees", "summary": "They dance.", "words": 1200}
    return {**row, **changes}


def test_a_summary_has_the_url_the_title_the_sentences_and_the_length(site):
    answer = summarise(FakeContext(), f"{site}/to-page", sentences=1)

    assert answer == {
        "url": f"{site}/to-page",
        "title": "B & B",
        "summary": PROSE.partition(". ")[0] + ".",
        "words": len(PROSE.split()),
    }


def test_what_is_no_article_fails_for_good(site):
    with pytest.raises(Fail, match="image/png"):
        summarise(FakeContext(), f"{site}/image")


def test_private_addresses_are_refused_unless_the_setting_allows_them(site, settings):
    settings.HIVE = replace(settings.HIVE, allow_private_addresses=False)

    with pytest.raises(Fail, match="HIVE_ALLOW_PRIVATE_ADDRESSES"):
        summarise(FakeContext(), f"{site}/page")


@pytest.mark.parametrize("url", [5, None, ["http://b.example/"], "b.example"])
def test_what_is_no_url_fails_for_good(url):
    with pytest.raises(Fail, match="URL"):
        summarise(FakeContext(), url)


@pytest.mark.parametrize("sentences", [0, 51, 1.5, "three", None])
def test_a_number_of_sentences_that_makes_no_sense_fails_for_good(sentences):
    with pytest.raises(Fail, match="sentences is"):
        summarise(FakeContext(), "http://b.example/", sentences=sentences)


def test_a_digest_lists_the_summaries_in_their_order():
    text = digest(FakeContext(), [summary(), summary(title="", url="http://c.example/", words=1)])

    assert text == (
        "# Digest of 2 articles\n\n1,201 words, read for you.\n\n"
        "## Bees\n\nThey dance.\n\n<http://b.example/> · 1,200 words\n\n"
        "## http://c.example/\n\nThey dance.\n\n<http://c.example/> · 1 words\n"
    )


def test_a_title_cannot_break_the_markdown():
    text = digest(FakeContext(), [summary(title="# [Bees](http://x)\n* & <b>")])

    assert r"## \# \[Bees\](http://x) \* & \<b\>" in text


def test_a_digest_of_nothing_is_a_heading():
    assert digest(FakeContext(), []).startswith("# Digest of 0 articles")


@pytest.mark.parametrize("item", [None, {"a": 1}, [None], [{"url": 1}], [{"url": "x"}]])
def test_what_are_no_summaries_fails_for_good(item):
    with pytest.raises(Fail, match=r"articles\.summarise"):
        digest(FakeContext(), item)
