"""From a page to an article: its title and its text."""

import re
from dataclasses import dataclass
from typing import Any

from jobs.articles.fetching import Page
from jobs.outcomes import Fail

TITLE_CHARS = 300
PLAIN = ("text/plain", "text/markdown", "text/x-markdown", "text/x-rst")
HTML = ("text/html", "application/xhtml+xml")
#: The end of a line that was wrapped: words follow, no blank line, item, heading or code.
WRAP = re.compile(r"(?<=[^\s=~#*-])[ \t]*\n(?=[\w\"'“(])(?!\d{1,3}[.)] )")


@dataclass(frozen=True, slots=True)
class Article:
    """What a page says."""

    title: str
    text: str


def read_article(page: Page) -> Article:
    """The article in a page. Fails the subtask for good if there is none."""
    if page.media_type in PLAIN:
        title, text = _first_line(page.text), WRAP.sub(" ", page.text)
    elif page.media_type in HTML:
        title, text = _read_html(page)
    else:
        raise Fail(f"{page.url} is {page.media_type}; give a page of HTML or plain text")
    if not text.strip():
        raise Fail(f"{page.url} holds no text that could be read")
    return Article(_one_line(title or _first_line(text))[:TITLE_CHARS], text)


def _read_html(page: Page) -> tuple[str, str]:
    """Title and main text, without what surrounds it. Either may be empty."""
    import trafilatura

    document: Any = trafilatura.bare_extraction(
        page.text, url=page.url, include_comments=False, with_metadata=True
    )
    return (document.title or "", document.text or "") if document else ("", "")


def _first_line(text: str) -> str:
    return next(filter(None, (line.strip("#=* \t") for line in text.splitlines())), "")


def _one_line(text: str) -> str:
    return " ".join(text.split())
