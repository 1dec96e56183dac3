"""From a page to an article: its title and its text."""

import re
from dataclasses import dataclass

from jobs.articles.fetching import Page
from jobs.outcomes import Fail

TITLE_CHARS = 300
TAG = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)
PLAIN = ("text/plain", "text/markdown", "text/x-rst")


@dataclass(frozen=True, slots=True)
class Article:
    """What a page says."""

    title: str
    text: str


def read_article(page: Page) -> Article:
    """The article in a page. Fails the subtask for good if there is none."""
    if page.media_type in PLAIN:
        article = _read_plain(page)
    elif page.media_type in ("text/html", "application/xhtml+xml"):
        article = _read_html(page)
    else:
        raise Fail(f"{page.url} is {page.media_type}; give a page of HTML or plain text")
    if not article.text.strip():
        raise Fail(f"{page.url} holds no text that could be summarised")
    return article


def _read_plain(page: Page) -> Article:
    first = next((line.strip("#=* \t") for line in page.text.splitlines() if line.strip()), "")
    return Article(first[:TITLE_CHARS], page.text)


def _read_html(page: Page) -> Article:
    import html

    import trafilatura

    text = trafilatura.extract(page.text, url=page.url, include_comments=False) or ""
    found = TAG.search(page.text)
    title = " ".join(html.unescape(found.group(1)).split()) if found else ""
    return Article((title or page.url)[:TITLE_CHARS], text)
